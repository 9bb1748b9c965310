// Statistics along each row of a panel: z-score, and what is left after groups and regressors are taken out.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/cross_moments.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/cross_groups.h"
#include "cpu/statistics/reduce-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Rows are handed out in bunches of about this many elements.
constexpr int64_t kRowsElements = 16 * 1024;

inline int64_t RowGrain(int64_t width) {
  return std::max<int64_t>(1, kRowsElements / std::max<int64_t>(1, width));
}

template <typename T>
void ScoreRow(int64_t series, double ddof, const T* HWY_RESTRICT row, T* HWY_RESTRICT out) {
  const auto count = [&](auto d, int64_t at) HWY_ATTR {
    return hn::IfThenElseZero(hn::IsFinite(LoadRow(d, row + at)), hn::Set(d, 1.0));
  };
  const double n = SumOver(series, count);
  // The first finite value is taken off before anything is summed, so that a high level costs no digits.
  double origin = 0;
  for (int64_t i = 0; i < series; ++i) {
    if (std::isfinite(row[i])) {
      origin = row[i];
      break;
    }
  }
  const auto shifted = [&](auto d, int64_t at) HWY_ATTR {
    const auto x = LoadRow(d, row + at);
    return hn::IfThenElseZero(hn::IsFinite(x), hn::Sub(x, hn::Set(d, origin)));
  };
  const double mean = SumOver(series, shifted) / std::max(n, 1.0);
  const auto square = [&](auto d, int64_t at) HWY_ATTR {
    const auto x = LoadRow(d, row + at);
    const auto far = hn::Sub(hn::Sub(x, hn::Set(d, origin)), hn::Set(d, mean));
    return hn::IfThenElseZero(hn::IsFinite(x), hn::Mul(far, far));
  };
  const double spread = SumOver(series, square);
  const double std =
      n > ddof && spread > 0 ? std::sqrt(spread / (n - ddof)) : std::numeric_limits<double>::quiet_NaN();
  ForLanes<kDoubles>(0, series, [&](auto d, int64_t at) HWY_ATTR {
    const auto x = LoadRow(d, row + at);
    const auto far = hn::Sub(hn::Sub(x, hn::Set(d, origin)), hn::Set(d, mean));
    const auto score = hn::Div(far, hn::Set(d, std));
    const auto nan = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
    StoreRow(d, hn::IfThenElse(hn::IsFinite(x), score, nan), out + at);
  });
}

template <typename T>
void ScoreRows(const CrossZscoreArgs& args, Outcome& outcome) {
  ParallelRanges(args.bars, RowGrain(args.series), [&](int64_t first, int64_t last) {
    if (IsCancelled(args.cancel)) return outcome.Cancelled();
    for (int64_t bar = first; bar < last; ++bar) {
      ScoreRow(args.series, static_cast<double>(args.ddof),
               static_cast<const T*>(args.values) + bar * args.series,
               static_cast<T*>(args.out) + bar * args.series);
    }
  });
}

void CrossZscoreAny(const CrossZscoreArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? ScoreRows<double>(args, outcome) : ScoreRows<float>(args, outcome);
}

// One row with its regressors, only the series that have everything.
class Residual {
 public:
  Residual(const Groups& groups, double* columns, int64_t stride, double* sums, double* counts)
      : groups_(groups), columns_(columns), stride_(stride), sums_(sums), counts_(counts) {}

  double* Column(int64_t at) { return columns_ + at * stride_; }
  int32_t* Members(int32_t* memory) { return members_ = memory; }

  // Columns [0, factors) are regressors, column `factors` is what is left of the values at the end. Modified
  // Gram-Schmidt with every projection done twice keeps orthogonality to rounding; a regressor of which less
  // than 1e-10 is its own is dropped.
  void Solve(int64_t count, int64_t factors) {
    for (int64_t column = 0; column <= factors; ++column) {
      double* to = Column(column);
      Center(to, count);
      const double before = std::sqrt(DotOf(to, to, count));
      for (int64_t pass = 0; pass < 2; ++pass) {
        for (int64_t other = 0; other < column; ++other) {
          const double* along = Column(other);
          const double part = DotOf(to, along, count);
          for (int64_t i = 0; i < count; ++i) to[i] -= part * along[i];
        }
      }
      if (column == factors) break;
      const double after = std::sqrt(DotOf(to, to, count));
      const double scale = after > 1e-10 * before ? 1 / after : 0;
      for (int64_t i = 0; i < count; ++i) to[i] *= scale;
    }
  }

 private:
  // Takes the mean of its group from each value, twice: the second time removes what the first one rounded.
  void Center(double* values, int64_t count) {
    for (int pass = 0; pass < 2; ++pass) {
      if (groups_.count() == 1) {
        const double mean =
            SumOver(count, [&](auto d, int64_t at) HWY_ATTR { return hn::LoadU(d, values + at); }) /
            static_cast<double>(count);
        for (int64_t i = 0; i < count; ++i) values[i] -= mean;
        continue;
      }
      std::fill_n(sums_, groups_.count(), 0.0);
      std::fill_n(counts_, groups_.count(), 0.0);
      for (int64_t i = 0; i < count; ++i) {
        sums_[members_[i]] += values[i];
        counts_[members_[i]] += 1;
      }
      for (int64_t group = 0; group < groups_.count(); ++group) sums_[group] /= std::max(counts_[group], 1.0);
      for (int64_t i = 0; i < count; ++i) values[i] -= sums_[members_[i]];
    }
  }

  const Groups& groups_;
  double* columns_;
  int64_t stride_;
  double* sums_;
  double* counts_;
  int32_t* members_ = nullptr;
};

template <typename T>
void NeutraliseRows(const CrossNeutraliseArgs& args, const Groups& groups, Outcome& outcome) {
  const int64_t series = args.series;
  const int64_t panel = args.bars * series;
  const int64_t factors = args.regressors == nullptr ? 0 : args.factors;
  const auto* values = static_cast<const T*>(args.values);
  const auto* regressors = static_cast<const T*>(args.regressors);
  auto* out = static_cast<T*>(args.out);
  ParallelRanges(args.bars, RowGrain(series * (factors + 1)), [&](int64_t first, int64_t last) {
    if (IsCancelled(args.cancel)) return outcome.Cancelled();
    const Scratch<double> columns((factors + 1) * series);
    const Scratch<double> sums(2 * groups.count());
    const Scratch<int32_t> places(2 * series);
    if (!columns || !sums || !places) return outcome.OutOfMemory();
    Residual residual(groups, columns.get(), series, sums.get(), sums.get() + groups.count());
    int32_t* members = residual.Members(places.get() + series);
    for (int64_t bar = first; bar < last; ++bar) {
      const T* row = values + bar * series;
      int64_t count = 0;
      for (int64_t i = 0; i < series; ++i) {
        const int32_t member = groups.Of(i);
        bool whole = member >= 0 && std::isfinite(row[i]);
        for (int64_t k = 0; k < factors; ++k)
          whole = whole && std::isfinite(regressors[k * panel + bar * series + i]);
        if (!whole) continue;
        places[count] = static_cast<int32_t>(i);
        members[count++] = member;
      }
      for (int64_t k = 0; k < factors; ++k) {
        const T* from = regressors + k * panel + bar * series;
        for (int64_t i = 0; i < count; ++i) residual.Column(k)[i] = from[places[i]];
      }
      double* left = residual.Column(factors);
      for (int64_t i = 0; i < count; ++i) left[i] = row[places[i]];
      if (count > 0) residual.Solve(count, factors);
      T* to = out + bar * series;
      std::fill_n(to, series, std::numeric_limits<T>::quiet_NaN());
      for (int64_t i = 0; i < count; ++i) to[places[i]] = static_cast<T>(left[i]);
    }
  });
}

void CrossNeutraliseAny(const CrossNeutraliseArgs& args, const Groups& groups, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? NeutraliseRows<double>(args, groups, outcome)
                            : NeutraliseRows<float>(args, groups, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(CrossZscoreAny);
HWY_EXPORT(CrossNeutraliseAny);

Status CrossZscore(CrossZscoreArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(CrossZscoreAny)(args, outcome);
  return outcome.Take();
}

Status CrossNeutralise(CrossNeutraliseArgs& args) {
  const Groups groups(args.groups, args.series);
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(CrossNeutraliseAny)(args, groups, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
