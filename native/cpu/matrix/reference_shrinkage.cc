// The formulas of Ledoit and Wolf as their papers print them, with all sums over pairs.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

template <typename T>
void Shrink(LedoitWolfArgs& args) {
  const int64_t n = args.assets;
  const int64_t rows = args.observations;
  const double t = static_cast<double>(rows);
  std::vector<double> x(static_cast<const T*>(args.values), static_cast<const T*>(args.values) + rows * n);
  for (int64_t j = 0; j < n; ++j) {
    double mean = 0;
    for (int64_t i = 0; i < rows; ++i) mean += x[i * n + j] / t;
    for (int64_t i = 0; i < rows; ++i) x[i * n + j] -= mean;
  }
  const auto mean_of = [&](const auto& term) {
    double sum = 0;
    for (int64_t row = 0; row < rows; ++row) sum += term(x.data() + row * n);
    return sum / t;
  };
  std::vector<double> s(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) s[i * n + j] = mean_of([&](const double* y) { return y[i] * y[j]; });
  }
  const bool correlation = args.towards == LedoitWolfArgs::Towards::kConstantCorrelation;
  double mean_variance = 0;
  double mean_correlation = 0;
  for (int64_t i = 0; i < n; ++i) {
    mean_variance += s[i * (n + 1)] / static_cast<double>(n);
    for (int64_t j = i + 1; j < n; ++j) {
      const double r = s[i * n + j] / std::sqrt(s[i * (n + 1)] * s[j * (n + 1)]);
      mean_correlation += 2 * r / (static_cast<double>(n) * static_cast<double>(n - 1));
    }
  }
  double pi = 0;
  double rho = 0;
  double gamma = 0;
  std::vector<double> target(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const double sii = s[i * (n + 1)];
      const double sjj = s[j * (n + 1)];
      const double sij = s[i * n + j];
      const double own = mean_of([&](const double* y) { return (y[i] * y[j] - sij) * (y[i] * y[j] - sij); });
      pi += own;
      if (correlation) {
        const double left =
            mean_of([&](const double* y) { return (y[i] * y[i] - sii) * (y[i] * y[j] - sij); });
        const double right =
            mean_of([&](const double* y) { return (y[j] * y[j] - sjj) * (y[i] * y[j] - sij); });
        rho += i == j ? own
                      : mean_correlation / 2 * (std::sqrt(sjj / sii) * left + std::sqrt(sii / sjj) * right);
        target[i * n + j] = i == j ? sii : mean_correlation * std::sqrt(sii * sjj);
      } else {
        target[i * n + j] = i == j ? mean_variance : 0;
      }
      gamma += (target[i * n + j] - sij) * (target[i * n + j] - sij);
    }
  }
  const double shrinkage =
      gamma > 0 && !(correlation && n <= 2) ? std::clamp((pi - rho) / gamma / t, 0.0, 1.0) : 0;
  *args.shrinkage = shrinkage;
  for (int64_t i = 0; i < n * n; ++i) {
    static_cast<T*>(args.out)[i] = static_cast<T>(shrinkage * target[i] + (1 - shrinkage) * s[i]);
  }
}

}  // namespace

Status LedoitWolf(LedoitWolfArgs& args) {
  args.dtype == Dtype::kF64 ? Shrink<double>(args) : Shrink<float>(args);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
