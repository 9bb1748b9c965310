// Covariance and correlation of the columns of a panel, NaN as missing or as part of the result.
#include <cmath>
#include <limits>
#include <memory>

#include "core/kernel_table.h"
#include "core/matrix_call.h"
#include "cpu/matrix/columns.h"
#include "cpu/matrix/pairwise.h"

namespace nautilus::cpu {
namespace {

using matrix::Panel;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// What is in a panel, as far as it decides how to go on.
struct Content {
  bool nan = false;
  int64_t infinity = -1;  // index of the first one
};

template <typename T>
Content Inspect(const Panel<T>& panel) {
  Content content;
  for (int64_t row = 0; row < panel.rows; ++row) {
    const T* x = panel.values + row * panel.columns;
    if (matrix::AllFinite(x, panel.columns)) continue;
    for (int64_t j = 0; j < panel.columns; ++j) {
      if (std::isnan(x[j])) content.nan = true;
      if (std::isinf(x[j]) && content.infinity < 0) content.infinity = row * panel.columns + j;
    }
  }
  return content;
}

bool Finite(const std::vector<double>& values) {
  return matrix::AllFinite(values.data(), static_cast<int64_t>(values.size()));
}

// Turns sums of products of centred columns (lower triangle) into correlations.
template <typename T>
void Normalise(T* gram, int64_t n) {
  std::vector<double> scale(n);
  for (int64_t i = 0; i < n; ++i) {
    const double square = gram[i * n + i];
    scale[i] = square > 0 ? 1 / std::sqrt(square) : kNaN;
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const double r = gram[i * n + j] * scale[i] * scale[j];
      gram[i * n + j] = static_cast<T>(r > 1 ? 1 : r < -1 ? -1 : r);
    }
    gram[i * n + i] = std::isfinite(scale[i]) ? T{1} : static_cast<T>(kNaN);
  }
}

// Fills `out` with value(sums of the pair) for every pair with at least `needed` common rows.
template <typename T, class Value>
Status Pairwise(const Panel<T>& panel, int64_t needed, CancelFlag cancel, T* out, const Value& value) {
  matrix::PairSums sums;
  const Status status = SumPairs(panel, cancel, sums);
  if (status != Status::kOk) return status;
  const int64_t n = panel.columns;
  ParallelRanges(n, 8, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to && !IsCancelled(cancel); ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        const matrix::PairMoments pair = MomentsOf(panel, sums, i, j);
        out[i * n + j] =
            static_cast<T>(pair.count < static_cast<double>(needed) ? kNaN : value(pair, i == j));
      }
    }
  });
  if (IsCancelled(cancel)) return Status::kCancelled;
  matrix::MirrorLower(out, n);
  return Status::kOk;
}

template <typename T>
Status PairwiseCovariance(const Panel<T>& panel, const CovarianceArgs& args) {
  const auto ddof = static_cast<double>(args.ddof);
  const auto value = [&](const matrix::PairMoments& pair, bool) {
    return pair.product / (pair.count - ddof);
  };
  return Pairwise(panel, std::max(args.min_pairs, args.ddof + 1), args.cancel, static_cast<T*>(args.out),
                  value);
}

template <typename T>
Status PairwiseCorrelation(const Panel<T>& panel, const CorrelationArgs& args) {
  const auto value = [](const matrix::PairMoments& pair, bool own) {
    if (!(pair.left > 0) || !(pair.right > 0)) return kNaN;
    if (own) return 1.0;
    return std::clamp(pair.product / std::sqrt(pair.left) / std::sqrt(pair.right), -1.0, 1.0);
  };
  return Pairwise(panel, args.min_pairs, args.cancel, static_cast<T*>(args.out), value);
}

template <typename T, class Gram>
Status CovarianceOf(CovarianceArgs& args, const Gram& gram) {
  const Panel<T> panel{static_cast<const T*>(args.values), args.observations, args.assets};
  const int64_t n = panel.columns;
  T* out = static_cast<T*>(args.out);
  const std::vector<double> mean = ColumnMeans(panel);
  bool missing = args.observations < args.min_pairs;
  if (!Finite(mean)) {
    const Content content = Inspect(panel);
    args.detail = content.infinity;
    if (content.infinity >= 0) return Status::kNonFinite;
    missing = content.nan;
  }
  if (missing && args.missing == CovarianceArgs::Missing::kPairwise) return PairwiseCovariance(panel, args);
  const Status status = gram(panel, mean.data(), args.cancel, out);
  if (status != Status::kOk) return status;
  const T divisor = static_cast<T>(args.observations - args.ddof);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) out[i * n + j] /= divisor;
  }
  matrix::MirrorLower(out, n);
  return Status::kOk;
}

template <typename T, class Gram>
Status CorrelationOf(CorrelationArgs& args, const Gram& gram) {
  const Panel<T> panel{static_cast<const T*>(args.values), args.observations, args.assets};
  T* out = static_cast<T*>(args.out);
  const std::vector<double> mean = ColumnMeans(panel);
  bool missing = args.observations < args.min_pairs;
  if (!Finite(mean)) {
    const Content content = Inspect(panel);
    args.detail = content.infinity;
    if (content.infinity >= 0) return Status::kNonFinite;
    missing = content.nan;
  }
  if (missing && args.missing == CorrelationArgs::Missing::kPairwise) return PairwiseCorrelation(panel, args);
  const Status status = gram(panel, mean.data(), args.cancel, out);
  if (status != Status::kOk) return status;
  Normalise(out, panel.columns);
  matrix::MirrorLower(out, panel.columns);
  return Status::kOk;
}

// Sums of products by BLAS.
struct OwnGram {
  template <typename T>
  Status operator()(const Panel<T>& panel, const double* mean, CancelFlag cancel, T* out) const {
    return CentredGram(panel, mean, cancel, out);
  }
};

// Sums of products by someone else, of f32.
struct OtherGram {
  GramF32 gram;

  Status operator()(const Panel<float>& panel, const double* mean, CancelFlag cancel, float* out) const {
    const auto count = static_cast<size_t>(panel.rows * panel.columns);
    const auto centred = std::make_unique_for_overwrite<float[]>(count);
    Centre(panel, mean, 0, panel.rows, centred.get());
    return gram(centred.get(), panel.rows, panel.columns, cancel, out);
  }
};

bool TooFew(CovarianceArgs& args) {
  args.detail = args.observations;
  return args.observations <= args.ddof;
}

bool TooFew(CorrelationArgs& args) {
  args.detail = args.observations;
  return args.observations < 1;
}

}  // namespace

Status Covariance(CovarianceArgs& args) {
  if (args.assets == 0) return Status::kOk;
  if (TooFew(args)) return Status::kShape;
  return matrix::WithType(args.dtype,
                          [&](auto type) { return CovarianceOf<decltype(type)>(args, OwnGram()); });
}

Status Correlation(CorrelationArgs& args) {
  if (args.assets == 0) return Status::kOk;
  if (TooFew(args)) return Status::kShape;
  return matrix::WithType(args.dtype,
                          [&](auto type) { return CorrelationOf<decltype(type)>(args, OwnGram()); });
}

Status CovarianceBy(GramF32 gram, CovarianceArgs& args) {
  if (args.assets == 0) return Status::kOk;
  return TooFew(args) ? Status::kShape : CovarianceOf<float>(args, OtherGram{gram});
}

Status CorrelationBy(GramF32 gram, CorrelationArgs& args) {
  if (args.assets == 0) return Status::kOk;
  return TooFew(args) ? Status::kShape : CorrelationOf<float>(args, OtherGram{gram});
}

}  // namespace nautilus::cpu
