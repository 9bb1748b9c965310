// The nearest positive semidefinite matrix: alternating projections with Dykstra's correction.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

using Form = NearestPsdArgs::Form;

// Projects symmetric matrices onto those whose eigenvalues are at least `floor`; keeps its workspace between
// calls.
class Projection {
 public:
  Projection(int64_t n, double floor) : n_(n), floor_(floor), vectors_(n * n), values_(n) {}

  // Replaces x, symmetric. Returns whether the eigenvalues could be found.
  bool Apply(double* x) {
    std::copy(x, x + n_ * n_, vectors_.begin());
    if (LapackSyevd(true, n_, vectors_.data(), values_.data()) != 0) return false;
    const int64_t below = std::lower_bound(values_.begin(), values_.end(), floor_) - values_.begin();
    if (below == 0) return true;
    // Adds what the eigenvalues below lack, or builds the sum anew from those above: whichever are fewer.
    const bool lift = below <= n_ / 2;
    const int64_t first = lift ? 0 : below;
    const int64_t count = lift ? below : n_ - below;
    for (int64_t i = first; i < first + count; ++i) {
      const double weight = std::sqrt(std::abs(values_[i] - floor_));
      for (int64_t j = 0; j < n_; ++j) vectors_[i * n_ + j] *= weight;
    }
    if (!lift) {
      std::fill(x, x + n_ * n_, 0.0);
      for (int64_t i = 0; i < n_; ++i) x[i * (n_ + 1)] = floor_;
    }
    if (count > 0) matrix::ParallelSyrk(true, n_, count, 1.0, vectors_.data() + first * n_, n_, 1.0, x, n_);
    matrix::MirrorLower(x, n_);
    return true;
  }

 private:
  int64_t n_;
  double floor_;
  std::vector<double> vectors_;
  std::vector<double> values_;
};

double LargestDifference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

// Replaces y (a full symmetric matrix) by the nearest correlation matrix (Higham 2002, algorithm 3.3).
Status NearestCorrelation(NearestPsdArgs& args, std::vector<double>& y) {
  const int64_t n = args.n;
  Projection project(n, args.min_eigenvalue);
  std::vector<double> correction(n * n, 0.0);
  std::vector<double> x(n * n);
  std::vector<double> before = y;
  for (*args.iterations = 0; *args.iterations < args.max_iterations;) {
    if (args.Cancelled()) return Status::kCancelled;
    ++*args.iterations;
    for (int64_t i = 0; i < n * n; ++i) correction[i] = x[i] = y[i] - correction[i];
    if (!project.Apply(x.data())) return Status::kInvariant;
    for (int64_t i = 0; i < n * n; ++i) correction[i] = x[i] - correction[i];
    before.swap(y);
    y = x;
    for (int64_t i = 0; i < n; ++i) y[i * (n + 1)] = 1;
    *args.change = std::max(LargestDifference(y, before), LargestDifference(y, x));
    if (*args.change <= args.precision) break;
  }
  // x has the eigenvalues and y the diagonal. Scaling x gives both, moved by no more than `change`.
  std::vector<double> scale(n);
  for (int64_t i = 0; i < n; ++i) scale[i] = 1 / std::sqrt(x[i * (n + 1)]);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) y[i * n + j] = i == j ? 1 : x[i * n + j] * (scale[i] * scale[j]);
  }
  return Status::kOk;
}

template <typename T>
Status NearestPsdOf(NearestPsdArgs& args) {
  const int64_t n = args.n;
  const auto* a = static_cast<const T*>(args.a);
  auto* out = static_cast<T*>(args.out);
  args.detail = matrix::FirstNonFiniteLower(a, n);
  if (args.detail >= 0) return Status::kNonFinite;
  std::vector<double> y(n * n);
  std::vector<double> deviation(n, 1.0);
  for (int64_t i = 0; i < n && args.form == Form::kCovariance; ++i) {
    args.detail = i;
    if (!(a[i * (n + 1)] > T{0})) return Status::kNotPositiveDefinite;
    deviation[i] = std::sqrt(static_cast<double>(a[i * (n + 1)]));
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) y[i * n + j] = a[i * n + j] / deviation[i] / deviation[j];
  }
  matrix::MirrorLower(y.data(), n);
  *args.iterations = 0;
  *args.change = 0;
  if (args.form == Form::kSymmetric) {
    *args.iterations = 1;
    if (!Projection(n, args.min_eigenvalue).Apply(y.data())) return Status::kInvariant;
  } else {
    const Status status = NearestCorrelation(args, y);
    if (status != Status::kOk) return status;
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j)
      out[i * n + j] = static_cast<T>(y[i * n + j] * deviation[i] * deviation[j]);
    if (args.form == Form::kCovariance) out[i * (n + 1)] = a[i * (n + 1)];
  }
  matrix::MirrorLower(out, n);
  return Status::kOk;
}

}  // namespace

Status NearestPsd(NearestPsdArgs& args) {
  *args.iterations = 0;
  *args.change = 0;
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return NearestPsdOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
