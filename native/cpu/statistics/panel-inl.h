// What every panel kernel needs: lanes over a row, and f32 that is computed in f64. Include inside
// foreach_target.
#if defined(NAUTILUS_CPU_STATISTICS_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_PANEL_INL_H_
#undef NAUTILUS_CPU_STATISTICS_PANEL_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_PANEL_INL_H_
#endif

#include <cstdint>
#include <limits>
#include <type_traits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kDoubles = HWY_MAX_BYTES / sizeof(double);

// Doubles from a row of T: statistics of f32 are computed in f64 and rounded once, at the end.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadRow(D d, const T* HWY_RESTRICT from) {
  if constexpr (std::is_same_v<T, double>) {
    return hn::LoadU(d, from);
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
  }
}

template <class D, typename T>
HWY_INLINE void StoreRow(D d, hn::Vec<D> value, T* HWY_RESTRICT to) {
  if constexpr (std::is_same_v<T, double>) {
    hn::StoreU(value, d, to);
  } else {
    const hn::Rebind<float, D> narrow;
    hn::StoreU(hn::DemoteTo(narrow, value), narrow, to);
  }
}

// `value` kept within [low, high]; NaN stays NaN, which Min and Max do not promise.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Within(D d, double low, double high, V value) {
  const V least = hn::Set(d, low);
  const V most = hn::Set(d, high);
  return hn::IfThenElse(hn::Lt(value, least), least, hn::IfThenElse(hn::Gt(value, most), most, value));
}

// Visits [at, end) in whole vectors of at most kLanes doubles, then halves the vector for what is left: a
// tail runs the same code without masks and without reading past the row.
template <size_t kLanes, class Visit>
HWY_INLINE void ForLanes(int64_t at, int64_t end, const Visit& visit) {
  const hn::CappedTag<double, kLanes> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; at + lanes <= end; at += lanes) visit(d, at);
  if constexpr (kLanes > 1) {
    if (at < end) ForLanes<kLanes / 2>(at, end, visit);
  }
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_PANEL_INL_H_
