// Where a return came from: by groups against a benchmark, and by factors. A row is a period.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/portfolio/attribution.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "core/portfolio_call.h"
#include "cpu/statistics/reduce-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Periods are handed out in bunches of about this many elements.
constexpr int64_t kPeriodElements = 16 * 1024;

inline int64_t PeriodGrain(int64_t width) {
  return std::max<int64_t>(1, kPeriodElements / std::max<int64_t>(1, width));
}

// Rounds to T; what is not finite there is NaN.
template <class D, typename T>
HWY_INLINE void StoreKnown(D d, hn::Vec<D> value, T* HWY_RESTRICT to) {
  const auto none = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
  const auto most = hn::Set(d, static_cast<double>(std::numeric_limits<T>::max()));
  StoreRow(d, hn::IfThenElse(hn::Le(hn::Abs(value), most), value, none), to);
}

// One period of a portfolio and its benchmark.
template <typename T>
struct Holdings {
  const T *own_weights, *base_weights, *own_returns, *base_returns;
};

template <class D>
struct Lanes {
  hn::Vec<D> own_weight, base_weight, own_return, base_return;
};

// A return that is missing where nothing is held is that of the other side; 0 where neither holds anything.
template <class D, typename T>
HWY_INLINE Lanes<D> LanesAt(D d, const Holdings<T>& row, int64_t at) {
  Lanes<D> lanes{LoadRow(d, row.own_weights + at), LoadRow(d, row.base_weights + at),
                 LoadRow(d, row.own_returns + at), LoadRow(d, row.base_returns + at)};
  const auto zero = hn::Zero(d);
  const auto no_own = hn::AndNot(hn::IsFinite(lanes.own_return), hn::Eq(lanes.own_weight, zero));
  const auto no_base = hn::AndNot(hn::IsFinite(lanes.base_return), hn::Eq(lanes.base_weight, zero));
  const auto neither = hn::And(hn::Eq(lanes.own_weight, zero), hn::Eq(lanes.base_weight, zero));
  const auto own = hn::IfThenElse(no_own, lanes.base_return, lanes.own_return);
  const auto base = hn::IfThenElse(no_base, lanes.own_return, lanes.base_return);
  lanes.own_return = hn::IfThenZeroElse(neither, own);
  lanes.base_return = hn::IfThenZeroElse(neither, base);
  return lanes;
}

template <typename T>
void BrinsonPeriod(const BrinsonAttributionArgs& args, int64_t period) {
  const int64_t groups = args.groups;
  const int64_t start = period * groups;
  const auto at_row = [&](const void* array) { return static_cast<const T*>(array) + start; };
  const Holdings<T> row{at_row(args.portfolio_weights), at_row(args.benchmark_weights),
                        at_row(args.portfolio_returns), at_row(args.benchmark_returns)};
  const double base = SumOver(groups, [&](auto d, int64_t at) HWY_ATTR {
    const auto lanes = LanesAt(d, row, at);
    return hn::Mul(lanes.base_weight, lanes.base_return);
  });
  const double own = SumOver(groups, [&](auto d, int64_t at) HWY_ATTR {
    const auto lanes = LanesAt(d, row, at);
    return hn::Mul(lanes.own_weight, lanes.own_return);
  });
  const double active = own - base;
  static_cast<T*>(args.active)[period] = KnownOrNaN<T>(active);
  T* allocation = static_cast<T*>(args.allocation) + start;
  T* selection = static_cast<T*>(args.selection) + start;
  T* interaction = static_cast<T*>(args.interaction) + start;
  if (!std::isfinite(active)) {
    for (T* const to : {allocation, selection, interaction})
      std::fill_n(to, groups, std::numeric_limits<T>::quiet_NaN());
    return;
  }
  ForLanes<kDoubles>(0, groups, [&](auto d, int64_t at) HWY_ATTR {
    const auto lanes = LanesAt(d, row, at);
    const auto more = hn::Sub(lanes.own_weight, lanes.base_weight);
    const auto better = hn::Sub(lanes.own_return, lanes.base_return);
    StoreKnown(d, hn::Mul(more, hn::Sub(lanes.base_return, hn::Set(d, base))), allocation + at);
    StoreKnown(d, hn::Mul(lanes.base_weight, better), selection + at);
    StoreKnown(d, hn::Mul(more, better), interaction + at);
  });
}

template <typename T>
void FactorPeriod(const FactorAttributionArgs& args, int64_t period) {
  const int64_t factors = args.factors;
  const T* exposures = static_cast<const T*>(args.exposures) + period * factors;
  const T* returns = static_cast<const T*>(args.factor_returns) + period * factors;
  T* contributions = static_cast<T*>(args.contributions) + period * factors;
  const auto product = [&](auto d, int64_t at) HWY_ATTR {
    const auto exposure = LoadRow(d, exposures + at);
    return hn::IfThenZeroElse(hn::Eq(exposure, hn::Zero(d)), hn::Mul(exposure, LoadRow(d, returns + at)));
  };
  const double sum = SumOver(factors, product);
  ForLanes<kDoubles>(0, factors,
                     [&](auto d, int64_t at) HWY_ATTR { StoreKnown(d, product(d, at), contributions + at); });
  const double own = static_cast<const T*>(args.returns)[period];
  static_cast<T*>(args.specific)[period] = KnownOrNaN<T>(own - sum);
}

void BrinsonAny(const BrinsonAttributionArgs& args, Outcome& outcome) {
  ParallelRanges(args.periods, PeriodGrain(4 * args.groups), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    for (int64_t period = first; period < last; ++period)
      args.dtype == Dtype::kF64 ? BrinsonPeriod<double>(args, period) : BrinsonPeriod<float>(args, period);
  });
}

void FactorAny(const FactorAttributionArgs& args, Outcome& outcome) {
  ParallelRanges(args.periods, PeriodGrain(2 * args.factors), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    for (int64_t period = first; period < last; ++period)
      args.dtype == Dtype::kF64 ? FactorPeriod<double>(args, period) : FactorPeriod<float>(args, period);
  });
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(BrinsonAny);
HWY_EXPORT(FactorAny);

Status BrinsonAttribution(BrinsonAttributionArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(BrinsonAny)(args, outcome);
  return outcome.Take();
}

Status FactorAttribution(FactorAttributionArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(FactorAny)(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
