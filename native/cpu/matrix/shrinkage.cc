// Covariance shrunk towards a simple target, with the intensity of Ledoit and Wolf.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/columns.h"

namespace nautilus::cpu {
namespace {

using matrix::Panel;
using Target = LedoitWolfArgs::Towards;

// Shrinks the lower triangle of `out`, which holds the covariance (divisor: observations), towards a multiple
// of the identity. `fourth` is the sum over the observations of the squared sums of squares.
template <typename T>
double TowardsVariance(T* out, int64_t n, double observations, double fourth) {
  double trace = 0;
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    trace += out[i * (n + 1)];
    for (int64_t j = 0; j < i; ++j) squares += 2 * static_cast<double>(out[i * n + j]) * out[i * n + j];
    squares += static_cast<double>(out[i * (n + 1)]) * out[i * (n + 1)];
  }
  const double mean = trace / static_cast<double>(n);
  const double distance = squares - mean * trace;  // of the covariance from the target
  const double noise = (fourth / observations - squares) / observations;
  const double shrinkage = distance > 0 && noise > 0 ? std::min(1.0, noise / distance) : 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) out[i * n + j] = static_cast<T>((1 - shrinkage) * out[i * n + j]);
    out[i * (n + 1)] = static_cast<T>((1 - shrinkage) * out[i * (n + 1)] + shrinkage * mean);
  }
  return shrinkage;
}

// Sums over the observations, with d the deviations.
struct Moments {
  double fourth = 0;  // (sum_i x_i^2)^2
  double own = 0;     // sum_i x_i^4
  double cross = 0;   // (sum_i x_i^3 / d_i) (sum_j x_j d_j)
};

// The sum of the first alone when `deviation` is null.
template <typename T>
Moments SumMoments(const Panel<T>& panel, const double* mean, const double* deviation) {
  const int64_t columns = panel.columns;
  const int64_t grain = std::max<int64_t>(64, (panel.rows + 31) / 32);
  std::vector<Moments> partial((panel.rows + grain - 1) / grain);
  ParallelRanges(panel.rows, grain, [&](int64_t from, int64_t to) {
    Moments sums;
    for (int64_t row = from; row < to; ++row) {
      const T* values = panel.values + row * columns;
      double squares = 0;
      double cubes = 0;
      double weighted = 0;
      for (int64_t j = 0; j < columns; ++j) {
        const double x = values[j] - mean[j];
        squares += x * x;
        if (deviation == nullptr) continue;
        sums.own += x * x * (x * x);
        cubes += x * x * x / deviation[j];
        weighted += x * deviation[j];
      }
      sums.fourth += squares * squares;
      sums.cross += cubes * weighted;
    }
    partial[from / grain] = sums;
  });
  Moments all;
  for (const Moments& sums : partial) {
    all.fourth += sums.fourth;
    all.own += sums.own;
    all.cross += sums.cross;
  }
  return all;
}

// Shrinks towards the covariance with these variances and the mean correlation for each pair. The double sums
// over pairs of the paper factor into products of single sums, so this is O(observations n + n^2).
template <typename T>
double TowardsCorrelation(T* out, const Panel<T>& panel, const double* mean,
                          const std::vector<double>& deviation) {
  const int64_t n = panel.columns;
  const double observations = static_cast<double>(panel.rows);
  const Moments sums = SumMoments(panel, mean, deviation.data());
  double correlations = 0;  // above the diagonal
  double squares = 0;
  double own = 0;       // sum_i s_ii^2
  double weighted = 0;  // sum_ij d_i d_j s_ij
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const double s = out[i * n + j];
      correlations += s / (deviation[i] * deviation[j]);
      squares += 2 * s * s;
      weighted += 2 * s * deviation[i] * deviation[j];
    }
    const double s = out[i * (n + 1)];
    squares += s * s;
    weighted += s * s;
    own += s * s;
  }
  const double pairs = static_cast<double>(n) * static_cast<double>(n - 1) / 2;
  const double mean_correlation = n > 1 ? correlations / pairs : 0;
  const double pi = sums.fourth / observations - squares;
  const double pi_own = sums.own / observations - own;
  const double theta = sums.cross / observations - weighted;
  const double rho = pi_own + mean_correlation * (theta - pi_own);
  double gamma = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const double off = mean_correlation * deviation[i] * deviation[j] - out[i * n + j];
      gamma += 2 * off * off;
    }
  }
  // Two assets are their own target: what is left of gamma is rounding.
  const double rounding = 16 * std::numeric_limits<T>::epsilon();
  const bool apart = gamma > rounding * rounding * squares;
  const double shrinkage = apart ? std::clamp((pi - rho) / gamma / observations, 0.0, 1.0) : 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const double target = mean_correlation * deviation[i] * deviation[j];
      out[i * n + j] = static_cast<T>(shrinkage * target + (1 - shrinkage) * out[i * n + j]);
    }
  }
  return shrinkage;
}

template <typename T>
Status LedoitWolfOf(LedoitWolfArgs& args) {
  const Panel<T> panel{static_cast<const T*>(args.values), args.observations, args.assets};
  const int64_t n = panel.columns;
  args.detail = matrix::FirstNonFinite(panel.values, panel.rows * n);
  if (args.detail >= 0) return Status::kNonFinite;
  auto* out = static_cast<T*>(args.out);
  const std::vector<double> mean = ColumnMeans(panel);
  const Status status = CentredGram(panel, mean.data(), args.cancel, out);
  if (status != Status::kOk) return status;
  const auto divisor = static_cast<double>(args.observations);
  std::vector<double> deviation(n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) out[i * n + j] = static_cast<T>(out[i * n + j] / divisor);
    deviation[i] = std::sqrt(static_cast<double>(out[i * (n + 1)]));
    args.detail = i;
    if (!std::isfinite(deviation[i])) return Status::kNonFinite;
    if (args.towards == Target::kConstantCorrelation && deviation[i] == 0)
      return Status::kNotPositiveDefinite;
  }
  *args.shrinkage = args.towards == Target::kConstantCorrelation
                        ? TowardsCorrelation(out, panel, mean.data(), deviation)
                        : TowardsVariance(out, n, divisor, SumMoments(panel, mean.data(), nullptr).fourth);
  matrix::MirrorLower(out, n);
  return Status::kOk;
}

}  // namespace

Status LedoitWolf(LedoitWolfArgs& args) {
  if (args.assets == 0) {
    *args.shrinkage = 0;
    return Status::kOk;
  }
  args.detail = args.observations;
  if (args.observations < 2) return Status::kShape;
  return matrix::WithType(args.dtype, [&](auto type) { return LedoitWolfOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
