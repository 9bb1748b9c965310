// Wilder's relative strength index, one Step for any number of lanes. Include inside foreach_target; lanes =
// series.
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

// float, double / same bits as the scalar reference / any input; NaN or infinity makes that lane NaN from
// there on. Wilder 1978, New Concepts in Technical Trading Systems. Plain multiply, add and divide in this
// order: the streaming form in TypeScript repeats it, so a fused multiply-add or a multiplication by 1 /
// period would change the bits.
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

// The state of one tile of neighbouring series between two bars. 64 doubles span 8 cache lines of a row,
// enough for the prefetcher to follow; one vector alone would touch one line of each row and run at half the
// speed (512 series, AVX3).
template <typename T>
struct RsiTile {
  static constexpr int64_t kSeries = 64;
  HWY_ALIGN T previous[kSeries];
  HWY_ALIGN T average_gain[kSeries];
  HWY_ALIGN T average_loss[kSeries];

  template <class D>
  HWY_INLINE Rsi<D> Load(D d, int64_t period, int64_t at) const {
    Rsi<D> rsi(d, period, hn::LoadU(d, previous + at));
    rsi.average_gain = hn::LoadU(d, average_gain + at);
    rsi.average_loss = hn::LoadU(d, average_loss + at);
    return rsi;
  }

  template <class D>
  HWY_INLINE void Save(const Rsi<D>& rsi, int64_t at) {
    hn::StoreU(rsi.previous, rsi.d, previous + at);
    hn::StoreU(rsi.average_gain, rsi.d, average_gain + at);
    hn::StoreU(rsi.average_loss, rsi.d, average_loss + at);
  }
};

// Visits [at, series) in whole vectors of at most kLanes lanes, then halves the vector for what is left: a
// tail runs the same Step without masks and without reading past the row.
template <size_t kLanes, typename T, class Visit>
HWY_INLINE void ForLanes(int64_t at, int64_t series, const Visit& visit) {
  const hn::CappedTag<T, kLanes> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; at + lanes <= series; at += lanes) visit(d, at);
  if constexpr (kLanes > 1) {
    if (at < series) ForLanes<kLanes / 2, T>(at, series, visit);
  }
}

// One tile from the first bar to the last; `stride` elements lie between two bars.
template <typename T>
HWY_INLINE void RsiOneTile(int64_t bars, int64_t stride, int64_t series, int64_t period,
                           const T* HWY_RESTRICT close, T* HWY_RESTRICT out) {
  constexpr size_t kLanes = HWY_MAX_BYTES / sizeof(T);
  RsiTile<T> tile;
  for (int64_t i = 0; i < series; ++i) {
    tile.previous[i] = close[i];
    tile.average_gain[i] = tile.average_loss[i] = T{0};
    out[i] = std::numeric_limits<T>::quiet_NaN();
  }
  for (int64_t bar = 1; bar < bars; ++bar) {
    const T* row = close + bar * stride;
    T* to = out + bar * stride;
    if (bar > period) {
      ForLanes<kLanes, T>(0, series, [&](auto d, int64_t at) HWY_ATTR {
        auto rsi = tile.Load(d, period, at);
        hn::StoreU(rsi.Step(hn::LoadU(d, row + at)), d, to + at);
        tile.Save(rsi, at);
      });
    } else {
      ForLanes<kLanes, T>(0, series, [&](auto d, int64_t at) HWY_ATTR {
        auto rsi = tile.Load(d, period, at);
        rsi.Seed(hn::LoadU(d, row + at));
        const auto nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
        hn::StoreU(bar == period ? rsi.Start() : nan, d, to + at);
        tile.Save(rsi, at);
      });
    }
  }
}

// One series alone, its state in registers: through the tile it would wait for its own stores, 25 % slower.
template <typename T>
HWY_INLINE void RsiOneSeries(int64_t bars, int64_t period, const T* HWY_RESTRICT close, T* HWY_RESTRICT out) {
  const hn::CappedTag<T, 1> d;
  const auto nan = hn::Set(d, std::numeric_limits<T>::quiet_NaN());
  Rsi<decltype(d)> rsi(d, period, hn::LoadU(d, close));
  hn::StoreU(nan, d, out);
  for (int64_t bar = 1; bar < bars && bar <= period; ++bar) {
    rsi.Seed(hn::LoadU(d, close + bar));
    hn::StoreU(bar == period ? rsi.Start() : nan, d, out + bar);
  }
  for (int64_t bar = period + 1; bar < bars; ++bar) {
    hn::StoreU(rsi.Step(hn::LoadU(d, close + bar)), d, out + bar);
  }
}

template <typename T>
HWY_INLINE void RsiPanel(int64_t bars, int64_t series, int64_t period, const T* close, T* out) {
  if (series == 1) return RsiOneSeries(bars, period, close, out);
  for (int64_t first = 0; first < series; first += RsiTile<T>::kSeries) {
    const int64_t width = series - first < RsiTile<T>::kSeries ? series - first : RsiTile<T>::kSeries;
    RsiOneTile(bars, series, width, period, close + first, out + first);
  }
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_RSI_INL_H_
