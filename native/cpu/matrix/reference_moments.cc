// Textbook covariance and correlation: for each pair of columns two passes over the rows where both are
// present.
#include <cmath>
#include <limits>

#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Pair {
  double count = 0;
  double product = 0;  // of the differences from the means
  double left = 0;     // squares of them
  double right = 0;
};

template <typename T>
Pair SumPair(const T* values, int64_t rows, int64_t columns, int64_t i, int64_t j, bool skip) {
  Pair pair;
  double left = 0;
  double right = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const double x = values[row * columns + i];
    const double y = values[row * columns + j];
    if (skip && (std::isnan(x) || std::isnan(y))) continue;
    pair.count += 1;
    left += x;
    right += y;
  }
  left /= pair.count;
  right /= pair.count;
  for (int64_t row = 0; row < rows; ++row) {
    const double x = values[row * columns + i];
    const double y = values[row * columns + j];
    if (skip && (std::isnan(x) || std::isnan(y))) continue;
    pair.product += (x - left) * (y - right);
    pair.left += (x - left) * (x - left);
    pair.right += (y - right) * (y - right);
  }
  return pair;
}

template <typename T>
void CovarianceLoop(const CovarianceArgs& args) {
  const int64_t n = args.assets;
  const bool skip = args.missing == CovarianceArgs::Missing::kPairwise;
  const double needed = static_cast<double>(std::max(args.min_pairs, args.ddof + 1));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const Pair pair = SumPair(static_cast<const T*>(args.values), args.observations, n, i, j, skip);
      const double value = pair.product / (pair.count - static_cast<double>(args.ddof));
      static_cast<T*>(args.out)[i * n + j] = static_cast<T>(skip && pair.count < needed ? kNaN : value);
    }
  }
}

template <typename T>
void CorrelationLoop(const CorrelationArgs& args) {
  const int64_t n = args.assets;
  const bool skip = args.missing == CorrelationArgs::Missing::kPairwise;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const Pair pair = SumPair(static_cast<const T*>(args.values), args.observations, n, i, j, skip);
      const bool known =
          !(skip && pair.count < static_cast<double>(args.min_pairs)) && pair.left > 0 && pair.right > 0;
      const double r = pair.product / std::sqrt(pair.left) / std::sqrt(pair.right);
      static_cast<T*>(args.out)[i * n + j] = static_cast<T>(known ? r : kNaN);
    }
  }
}

}  // namespace

Status Covariance(CovarianceArgs& args) {
  args.dtype == Dtype::kF64 ? CovarianceLoop<double>(args) : CovarianceLoop<float>(args);
  return Status::kOk;
}

Status Correlation(CorrelationArgs& args) {
  args.dtype == Dtype::kF64 ? CorrelationLoop<double>(args) : CorrelationLoop<float>(args);
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
