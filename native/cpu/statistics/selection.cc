// Quantiles and order statistics of each series of a panel, for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/selection.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/select-inl.h"
#include "cpu/statistics/sorting.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// visit(series, finite values, their number, room) for each series; a cache line of series is read at once.
template <typename T, class Visit>
void OnEachSeries(const T* values, int64_t bars, int64_t series, CancelFlag cancel, Outcome& outcome,
                  const Visit& visit) {
  constexpr int64_t kLine = 64 / sizeof(T);
  ParallelRanges(series, kLine, [&](int64_t first, int64_t last) {
    const int64_t width = last - first;
    const Scratch<double> columns(bars * width);
    const Scratch<double> room(bars + 64);
    if (!columns || !room) return outcome.OutOfMemory();
    int64_t counts[kLine] = {};
    for (int64_t bar = 0; bar < bars; ++bar) {
      const T* row = values + bar * series + first;
      for (int64_t s = 0; s < width; ++s) {
        // -0 + 0 is +0: both zeros are one value.
        columns[s * bars + counts[s]] = static_cast<double>(row[s]) + 0.0;
        counts[s] += std::isfinite(row[s]) ? 1 : 0;
      }
    }
    for (int64_t s = 0; s < width; ++s) {
      if (IsCancelled(cancel)) return outcome.Cancelled();
      visit(first + s, columns.get() + s * bars, counts[s], room.get());
    }
  });
}

double Between(QuantilesArgs::Method method, double low, double high, double part, int64_t place) {
  using Method = QuantilesArgs::Method;
  if (part == 0 || method == Method::kLower) return low;
  switch (method) {
    case Method::kHigher:
      return high;
    case Method::kMidpoint:
      return low + (high - low) * 0.5;
    case Method::kNearest:
      return part < 0.5 || (part == 0.5 && place % 2 == 0) ? low : high;
    default:
      return low + (high - low) * part;
  }
}

template <typename T>
void QuantilesOf(const QuantilesArgs& args, Outcome& outcome) {
  // From about this many selections on, one sort is cheaper.
  constexpr int64_t kFew = 8;
  auto* out = static_cast<T*>(args.out);
  OnEachSeries(static_cast<const T*>(args.values), args.bars, args.series, args.cancel, outcome,
               [&](int64_t series, double* values, int64_t count, double* room) {
                 const bool sorts = args.probabilities > kFew;
                 if (sorts) std::sort(values, values + count);
                 for (int64_t i = 0; i < args.probabilities; ++i) {
                   double answer = std::numeric_limits<double>::quiet_NaN();
                   if (count > 0) {
                     const double at = static_cast<double>(count - 1) * args.at[i];
                     const auto low = static_cast<int64_t>(at);
                     const auto [value, next] =
                         sorts ? std::pair(values[low], values[std::min(low + 1, count - 1)])
                               : SelectTwo(values, count, low, room);
                     answer = Between(args.method, value, next, at - static_cast<double>(low), low);
                   }
                   out[i * args.series + series] = static_cast<T>(answer);
                 }
               });
}

template <typename T>
void NthOf(const NthSmallestArgs& args, Outcome& outcome) {
  OnEachSeries(static_cast<const T*>(args.values), args.bars, args.series, args.cancel, outcome,
               [&](int64_t series, double* values, int64_t count, double* room) {
                 const double answer = args.nth < count ? SelectTwo(values, count, args.nth, room).first
                                                        : std::numeric_limits<double>::quiet_NaN();
                 static_cast<T*>(args.out)[series] = static_cast<T>(answer);
               });
}

void QuantilesAny(const QuantilesArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? QuantilesOf<double>(args, outcome) : QuantilesOf<float>(args, outcome);
}

void NthSmallestAny(const NthSmallestArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? NthOf<double>(args, outcome) : NthOf<float>(args, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(QuantilesAny);
HWY_EXPORT(NthSmallestAny);

Status Quantiles(QuantilesArgs& args) {
  for (int64_t i = 0; i < args.probabilities; ++i) {
    if (args.at[i] >= 0 && args.at[i] <= 1) continue;
    args.detail = i;
    return Status::kInvalidOption;
  }
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(QuantilesAny)(args, outcome);
  return outcome.Take();
}

Status NthSmallest(NthSmallestArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(NthSmallestAny)(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
