// What indicators make of the prices of one bar.
#if defined(NAUTILUS_CPU_INDICATORS_PRICES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_PRICES_INL_H_
#undef NAUTILUS_CPU_INDICATORS_PRICES_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_PRICES_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// How far the price travelled in a bar, the gap from the close before included.
template <class V>
HWY_INLINE V TrueRange(V high, V low, V close_before) {
  const V gaps = hn::Max(hn::Abs(hn::Sub(close_before, high)), hn::Abs(hn::Sub(close_before, low)));
  return hn::Max(hn::Sub(high, low), gaps);
}

// a / b, and 0 where b is.
template <class D>
HWY_INLINE hn::Vec<D> Ratio(D d, hn::Vec<D> a, hn::Vec<D> b) {
  return hn::IfThenZeroElse(hn::Eq(b, hn::Zero(d)), hn::Div(a, b));
}

// Where `value` stands between two bounds, 0 to 100; the middle when there is nothing between them.
template <class D>
HWY_INLINE hn::Vec<D> Position(D d, hn::Vec<D> value, hn::Vec<D> from, hn::Vec<D> to) {
  const auto all = hn::Sub(to, from);
  const auto hundred = hn::Set(d, hn::TFromD<D>{100});
  const auto place = hn::Mul(hundred, hn::Div(hn::Sub(value, from), all));
  return hn::IfThenElse(hn::Eq(all, hn::Zero(d)), hn::Set(d, hn::TFromD<D>{50}), place);
}

template <class D>
HWY_INLINE hn::Vec<D> TypicalPrice(D d, hn::Vec<D> high, hn::Vec<D> low, hn::Vec<D> close) {
  return hn::Div(hn::Add(hn::Add(high, low), close), hn::Set(d, hn::TFromD<D>{3}));
}

// The volume of a bar, in full when it closed at its high, against when at its low; 0 of a bar without a
// range.
template <class D>
HWY_INLINE hn::Vec<D> MoneyFlow(D d, hn::Vec<D> high, hn::Vec<D> low, hn::Vec<D> close, hn::Vec<D> volume) {
  const auto balance = hn::Sub(hn::Sub(close, low), hn::Sub(high, close));
  return hn::Mul(Ratio(d, balance, hn::Sub(high, low)), volume);
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_PRICES_INL_H_
