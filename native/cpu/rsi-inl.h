// Wilder's relative strength index, one Step for any number of lanes. Include inside foreach_target; lanes = series.
#if defined(NAUTILUS_CPU_RSI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_RSI_INL_H_
#undef NAUTILUS_CPU_RSI_INL_H_
#else
#define NAUTILUS_CPU_RSI_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// float, double / same bits as the scalar reference / any input; NaN or infinity makes that lane NaN from there on.
// Wilder 1978, New Concepts in Technical Trading Systems. Plain multiply, add and divide in this order: the streaming
// form in TypeScript repeats it, so a fused multiply-add or a multiplication by 1 / period would change the bits.
template <class D>
struct Rsi {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;

  D d;
  V period, period_less_one;
  V previous, average_gain, average_loss;

  HWY_INLINE Rsi(D tag, int64_t bars, V first_close)
      : d(tag),
        period(hn::Set(d, static_cast<T>(bars))),
        period_less_one(hn::Set(d, static_cast<T>(bars - 1))),
        previous(first_close),
        average_gain(hn::Zero(d)),
        average_loss(hn::Zero(d)) {}

  // Splits the move into gain and loss. `<= 0 ? 0 : x` instead of `> 0 ? x : 0` lets a NaN through.
  HWY_INLINE void Split(V close, V& gain, V& loss) {
    const V zero = hn::Zero(d);
    const V change = hn::Sub(close, previous);
    previous = close;
    gain = hn::IfThenZeroElse(hn::Le(change, zero), change);
    loss = hn::IfThenZeroElse(hn::Ge(change, zero), hn::Neg(change));
  }

  // One of the first `period` moves: only summed.
  HWY_INLINE void Seed(V close) {
    V gain, loss;
    Split(close, gain, loss);
    average_gain = hn::Add(average_gain, gain);
    average_loss = hn::Add(average_loss, loss);
  }

  // Turns the sums of the seed into averages and returns the first value.
  HWY_INLINE V Start() {
    average_gain = hn::Div(average_gain, period);
    average_loss = hn::Div(average_loss, period);
    return Value();
  }

  // One later bar.
  HWY_INLINE V Step(V close) {
    V gain, loss;
    Split(close, gain, loss);
    average_gain = hn::Div(hn::Add(hn::Mul(average_gain, period_less_one), gain), period);
    average_loss = hn::Div(hn::Add(hn::Mul(average_loss, period_less_one), loss), period);
    return Value();
  }

  // 50 when the price never moved: neither side is stronger. TA-Lib says 0 there.
  HWY_INLINE V Value() const {
    const V total = hn::Add(average_gain, average_loss);
    const V value = hn::Mul(hn::Set(d, T{100}), hn::Div(average_gain, total));
    return hn::IfThenElse(hn::Eq(total, hn::Zero(d)), hn::Set(d, T{50}), value);
  }
};

// Runs Lanes(d) neighbouring series from the first bar to the last; `stride` elements lie between two bars.
template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void RsiColumns(D d, int64_t bars, int64_t stride, int64_t period, const T* HWY_RESTRICT close,
                           T* HWY_RESTRICT out) {
  const auto nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
  Rsi<D> rsi(d, period, hn::LoadU(d, close));
  hn::StoreU(nan, d, out);
  const int64_t seed_end = period < bars ? period : bars;
  for (int64_t bar = 1; bar < seed_end; ++bar) {
    rsi.Seed(hn::LoadU(d, close + bar * stride));
    hn::StoreU(nan, d, out + bar * stride);
  }
  if (period >= bars) return;
  rsi.Seed(hn::LoadU(d, close + period * stride));
  hn::StoreU(rsi.Start(), d, out + period * stride);
  for (int64_t bar = period + 1; bar < bars; ++bar) {
    hn::StoreU(rsi.Step(hn::LoadU(d, close + bar * stride)), d, out + bar * stride);
  }
}

// Runs as many series as fit in whole vectors of at most kLanes lanes, then halves the vector for what is left, so a
// tail runs the same Step without masks and without reading past the row.
template <size_t kLanes, typename T>
HWY_INLINE void RsiPanel(int64_t bars, int64_t series, int64_t first, int64_t period, const T* close, T* out) {
  const hn::CappedTag<T, kLanes> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; first + lanes <= series; first += lanes) {
    RsiColumns(d, bars, series, period, close + first, out + first);
  }
  if constexpr (kLanes > 1) {
    if (first < series) RsiPanel<kLanes / 2>(bars, series, first, period, close, out);
  }
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_RSI_INL_H_
