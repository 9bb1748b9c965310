// How far each series is below its highest value so far, and the worst of it, for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/drawdown.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/panel-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

constexpr int64_t kTile = 64;
constexpr int64_t kStretch = 32;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Visits bars in stretches and vectors of series in them, as in ewm.cc: visit(d, element of the first bar,
// lane, begin, end).
template <class Visit>
HWY_INLINE void OnStretches(int64_t bars, int64_t series, int64_t first, int64_t last, const Visit& visit) {
  for (int64_t begin = 0; begin < bars; begin += kStretch) {
    const int64_t end = std::min(begin + kStretch, bars);
    ForLanes<kDoubles>(0, last - first, [&](auto d, int64_t at) HWY_ATTR {
      visit(d, begin * series + first + at, at, begin, end);
    });
  }
}

// Distance of x to its peak: x / peak - 1, or x - peak. A ratio to a peak that is not positive means nothing:
// NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Fall(D d, bool relative, V x, V peak) {
  if (!relative) return hn::Sub(x, peak);
  const V nan = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
  return hn::IfThenElse(hn::Gt(peak, hn::Zero(d)), hn::Sub(hn::Div(x, peak), hn::Set(d, 1.0)), nan);
}

template <typename T>
void Fall(const DrawdownArgs& args, Outcome& outcome) {
  const auto* values = static_cast<const T*>(args.values);
  auto* out = static_cast<T*>(args.out);
  const int64_t series = args.series;
  ParallelRanges(series, kTile, [&](int64_t first, int64_t last) {
    if (IsCancelled(args.cancel)) return outcome.Cancelled();
    HWY_ALIGN double peaks[kTile];
    std::fill_n(peaks, kTile, -kInfinity);
    OnStretches(args.bars, series, first, last,
                [&](auto d, int64_t element, int64_t at, int64_t begin, int64_t end) HWY_ATTR {
                  auto peak = hn::LoadU(d, peaks + at);
                  const auto nan = hn::Set(d, std::numeric_limits<double>::quiet_NaN());
                  for (int64_t bar = begin; bar < end; ++bar, element += series) {
                    const auto x = LoadRow(d, values + element);
                    const auto valid = hn::IsFinite(x);
                    peak = hn::IfThenElse(hn::And(valid, hn::Gt(x, peak)), x, peak);
                    StoreRow(d, hn::IfThenElse(valid, Fall(d, args.relative, x, peak), nan), out + element);
                  }
                  hn::StoreU(peak, d, peaks + at);
                });
  });
}

// What is kept of each series; bars are counted in doubles, which hold them exactly.
struct Worst {
  HWY_ALIGN double peak[kTile], peak_bar[kTile], depth[kTile], start[kTile], trough[kTile], recovery[kTile],
      level[kTile];
};

template <typename T>
void FindWorst(const MaxDrawdownArgs& args, Outcome& outcome) {
  const auto* values = static_cast<const T*>(args.values);
  const int64_t series = args.series;
  const auto none = static_cast<double>(args.bars);
  ParallelRanges(series, kTile, [&](int64_t first, int64_t last) {
    if (IsCancelled(args.cancel)) return outcome.Cancelled();
    Worst worst;
    for (int64_t i = 0; i < kTile; ++i) {
      worst.peak[i] = worst.level[i] = -kInfinity;
      worst.peak_bar[i] = worst.start[i] = worst.trough[i] = worst.recovery[i] = none;
      worst.depth[i] = kInfinity;  // nothing seen
    }
    OnStretches(
        args.bars, series, first, last,
        [&](auto d, int64_t element, int64_t at, int64_t begin, int64_t end) HWY_ATTR {
          auto peak = hn::LoadU(d, worst.peak + at);
          auto peak_bar = hn::LoadU(d, worst.peak_bar + at);
          auto depth = hn::LoadU(d, worst.depth + at);
          auto start = hn::LoadU(d, worst.start + at);
          auto trough = hn::LoadU(d, worst.trough + at);
          auto recovery = hn::LoadU(d, worst.recovery + at);
          auto level = hn::LoadU(d, worst.level + at);  // the peak that the worst fall began at
          for (int64_t bar = begin; bar < end; ++bar, element += series) {
            const auto x = LoadRow(d, values + element);
            const auto now = hn::Set(d, static_cast<double>(bar));
            const auto valid = hn::IsFinite(x);
            const auto higher = hn::And(valid, hn::Gt(x, peak));
            peak = hn::IfThenElse(higher, x, peak);
            peak_bar = hn::IfThenElse(higher, now, peak_bar);
            const auto fall = Fall(d, args.relative, x, peak);
            const auto deeper = hn::And(valid, hn::Lt(fall, depth));
            const auto healed = hn::And(hn::And(valid, hn::Ge(x, level)), hn::Eq(recovery, hn::Set(d, none)));
            recovery = hn::IfThenElse(deeper, hn::Set(d, none), hn::IfThenElse(healed, now, recovery));
            depth = hn::IfThenElse(deeper, fall, depth);
            start = hn::IfThenElse(deeper, peak_bar, start);
            trough = hn::IfThenElse(deeper, now, trough);
            level = hn::IfThenElse(deeper, peak, level);
          }
          hn::StoreU(peak, d, worst.peak + at);
          hn::StoreU(peak_bar, d, worst.peak_bar + at);
          hn::StoreU(depth, d, worst.depth + at);
          hn::StoreU(start, d, worst.start + at);
          hn::StoreU(trough, d, worst.trough + at);
          hn::StoreU(recovery, d, worst.recovery + at);
          hn::StoreU(level, d, worst.level + at);
        });
    for (int64_t i = 0; i < last - first; ++i) {
      const bool seen = worst.depth[i] != kInfinity;
      const bool fell = seen && worst.depth[i] < 0;
      const auto bar = [&](double at) { return static_cast<uint32_t>(at); };
      static_cast<T*>(args.depth)[first + i] =
          seen ? static_cast<T>(worst.depth[i]) : std::numeric_limits<T>::quiet_NaN();
      if (args.start != nullptr) args.start[first + i] = bar(worst.start[i]);
      if (args.trough != nullptr) args.trough[first + i] = bar(worst.trough[i]);
      if (args.recovery != nullptr)
        args.recovery[first + i] = bar(fell ? worst.recovery[i] : worst.trough[i]);
    }
  });
}

void DrawdownAny(const DrawdownArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? Fall<double>(args, outcome) : Fall<float>(args, outcome);
}

void MaxDrawdownAny(const MaxDrawdownArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? FindWorst<double>(args, outcome) : FindWorst<float>(args, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(DrawdownAny);
HWY_EXPORT(MaxDrawdownAny);

Status Drawdown(DrawdownArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(DrawdownAny)(args, outcome);
  return outcome.Take();
}

Status MaxDrawdown(MaxDrawdownArgs& args) {
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(MaxDrawdownAny)(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
