// One series alone, bar by bar.
#if defined(NAUTILUS_CPU_INDICATORS_ALONE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_ALONE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_ALONE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_ALONE_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "cpu/indicators/tile-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

// Bars of a series alone whose inputs are checked before any of them is worked on.
inline constexpr int64_t kBlockBars = 256;

// Bars that are derived at a time: few enough that the processor derives the next ones while the last are
// worked on.
inline constexpr int64_t kDerivedBars = 16;

// Bars of a series alone, `bars` from bar `base` on, its fields in registers: through memory each bar would
// wait for the stores of the last.
template <class Spec, bool kSteady, typename T, class Plan, class Step>
HWY_INLINE void SeriesBars(Plan& plan, Step& step, const Tile<Spec, T>& tile, const T* const* bars,
                           int64_t base, int64_t first_bar, int64_t warmup, int64_t from, int64_t to) {
  using D = hn::CappedTag<T, 1>;
  const D d;
  for (int64_t row = from; row < to; ++row) {
    hn::Vec<D> in[kUpdateInputs<Spec>];
    hn::Vec<D> out[Tile<Spec, T>::kOutputs];
    for (int i = 0; i < kUpdateInputs<Spec>; ++i) in[i] = hn::LoadU(d, bars[i] + (row - base));
    step.Update(At<D, kSteady>{d, first_bar + row, tile.state}, plan, in, out);
    for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
      hn::StoreU(kSteady || first_bar + row >= warmup ? out[i] : hn::Set(d, kNaN<T>), d, tile.out[i] + row);
    }
    VisitRings(plan, NextRing{});
  }
}

// Loads an input of the bars before those from `row` on; that before the first one of the call is `first`.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadBefore(D d, const T* input, T first, int64_t row, int64_t rest) {
  if (HWY_LIKELY(row > 0)) return LoadUpTo(d, input + row - 1, rest);
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {first};
  const int64_t more = std::min<int64_t>(rest, static_cast<int64_t>(hn::Lanes(d))) - 1;
  std::memcpy(lanes + 1, input, static_cast<size_t>(more) * sizeof(T));
  return hn::Load(d, lanes);
}

// Derives bars [from, to) of a series alone, several at a time, to columns with room for whole vectors.
// `before` are the inputs before the call that the state remembers.
template <class Spec, typename T>
HWY_INLINE void DeriveBars(const Tile<Spec, T>& tile, const T* before, int64_t from, int64_t to,
                           T* const* derived, Finite<hn::ScalableTag<T>, Spec::Options::kInputs>& finite) {
  using D = hn::ScalableTag<T>;
  constexpr int kInputs = Spec::Options::kInputs;
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = from; row < to; row += lanes) {
    hn::Vec<D> in[kInputs];
    hn::Vec<D> of[kUpdateInputs<Spec>];
    Derivation<Spec, D> derivation;
    int64_t remembered = 0;
    for (int i = 0; i < kInputs; ++i) {
      in[i] = LoadUpTo(d, tile.in[i] + row, to - row);
      finite.See(i, in[i]);
      if (InputsBefore<Spec>() >> i & 1)
        derivation.before[i] = LoadBefore(d, tile.in[i], before[remembered++], row, to - row);
    }
    derivation.Push(d, in, of);
    for (int i = 0; i < kUpdateInputs<Spec>; ++i) hn::StoreU(of[i], d, derived[i] + (row - from));
  }
}

// Bars [begin, end) of a series alone. Returns false at a NaN or infinity of an input, and once the call is
// cancelled.
template <class Spec, typename T, class Plan>
HWY_NOINLINE bool RunSeries(const IndicatorCall& call, Plan& plan, int64_t fields, int64_t warmup,
                            const Tile<Spec, T>& tile, int64_t begin, int64_t end) {
  using D = hn::CappedTag<T, 1>;
  using Step = typename Spec::template Step<D>;
  const D d;
  T* const before = tile.state + fields;
  T* const own = before + kFieldsBefore<Spec>;
  Step step;
  LoadFields<D> load{d, own, 1};
  VisitFields(step, load);
  VisitRings(plan, SeekRings{call.first_bar + begin});
  // Bars after the first value are steady.
  const int64_t steady = warmup + 1 - call.first_bar;
  const auto bars_of = [&](const T* const* bars, int64_t from, int64_t to) HWY_ATTR {
    const int64_t turn = std::clamp(steady, from, to);
    SeriesBars<Spec, false>(plan, step, tile, bars, from, call.first_bar, warmup, from, turn);
    SeriesBars<Spec, true>(plan, step, tile, bars, from, call.first_bar, warmup, turn, to);
  };
  for (int64_t from = begin; from < end;) {
    const int64_t to = std::min(from + kBlockBars, end);
    if (call.Cancelled()) return false;
    if constexpr (HasDerived<Spec>) {
      Finite<hn::ScalableTag<T>, Spec::Options::kInputs> finite{hn::ScalableTag<T>()};
      HWY_ALIGN T derived[kUpdateInputs<Spec>][kDerivedBars];
      T* bars[kUpdateInputs<Spec>];
      for (int i = 0; i < kUpdateInputs<Spec>; ++i) bars[i] = derived[i];
      for (int64_t at = from; at < to; at += kDerivedBars) {
        const int64_t stop = std::min(at + kDerivedBars, to);
        DeriveBars<Spec>(tile, before, at, stop, bars, finite);
        bars_of(bars, at, stop);
      }
      if (!finite.All()) return false;
    } else {
      if (!call.checked && !tile.FiniteBars(from, to)) return false;
      const T* bars[kUpdateInputs<Spec>];
      for (int i = 0; i < kUpdateInputs<Spec>; ++i) bars[i] = tile.in[i] + from;
      bars_of(bars, from, to);
    }
    from = to;
  }
  SaveFields<D> save{d, own, 1};
  VisitFields(step, save);
  // Only the last bars of a call are followed by those of another.
  if (end == call.bars) {
    int64_t remembered = 0;
    for (int i = 0; i < Spec::Options::kInputs; ++i) {
      if (InputsBefore<Spec>() >> i & 1) before[remembered++] = tile.in[i][end - 1];
    }
  }
  return true;
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ALONE_INL_H_
