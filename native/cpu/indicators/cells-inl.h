// Parts that indicators are made of: exponential and Wilder averages, and windows that cost O(1) and never
// drift.
#if defined(NAUTILUS_CPU_INDICATORS_CELLS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_CELLS_INL_H_
#undef NAUTILUS_CPU_INDICATORS_CELLS_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_CELLS_INL_H_
#endif

#include <cstdint>

#include "cpu/indicators/frame-inl.h"
#include "cpu/indicators/prices-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

// Exponential average of a series whose first value comes at bar `start`: seeded by the mean of `period`
// values, then weighted 2 / (period + 1). Has its first value at bar start + period - 1.
template <typename T>
struct EmaRule {
  int64_t start = 0;
  int64_t period = 1;
  T weight = 1;

  EmaRule(int64_t first_input, int64_t bars)
      : start(first_input), period(bars), weight(static_cast<T>(2.0 / static_cast<double>(bars + 1))) {}

  int64_t Ready() const { return start + period - 1; }
};

template <class D>
struct EmaCell {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  V average;  // the sum while seeding

  NAUTILUS_FIELDS(average)

  template <bool kSteady>
  HWY_INLINE V Push(const At<D, kSteady>& at, const EmaRule<T>& plan, V value) {
    if (!kSteady && at.bar <= plan.Ready()) {
      if (at.bar < plan.start) return average;
      average = hn::Add(average, value);
      if (at.bar == plan.Ready()) average = hn::Div(average, hn::Set(at.d, static_cast<T>(plan.period)));
      return average;
    }
    // One product instead of two: an unchanged price then leaves the average unchanged to the last bit.
    average = hn::Add(hn::Mul(hn::Sub(value, average), hn::Set(at.d, plan.weight)), average);
    return average;
  }
};

// Wilder's average of a series whose first value comes at bar `start`: an exponential average whose weight is
// 1 / period. His own writing, (average * (period - 1) + value) / period, is the same number but for the last
// bits; it divides for each value.
template <typename T>
EmaRule<T> WilderRule(int64_t first_input, int64_t bars) {
  EmaRule<T> rule(first_input, bars);
  rule.weight = T{1} / static_cast<T>(bars);
  return rule;
}

// Wilder's relative strength index of the next close.
template <class D, bool kSteady>
HWY_INLINE hn::Vec<D> RelativeStrength(const At<D, kSteady>& at, const EmaRule<hn::TFromD<D>>& rule,
                                       hn::Vec<D> close, hn::Vec<D>& previous, EmaCell<D>& gain,
                                       EmaCell<D>& loss) {
  using T = hn::TFromD<D>;
  const auto zero = hn::Zero(at.d);
  const auto change = hn::Sub(close, previous);
  previous = close;
  // `<= 0 ? 0 : x` instead of `> 0 ? x : 0` lets a NaN through.
  const auto up = gain.Push(at, rule, hn::IfThenZeroElse(hn::Le(change, zero), change));
  const auto down = loss.Push(at, rule, hn::IfThenZeroElse(hn::Ge(change, zero), hn::Neg(change)));
  const auto total = hn::Add(up, down);
  const auto value = hn::Mul(hn::Set(at.d, T{100}), hn::Div(up, total));
  // The middle when the price never moved: neither side is stronger. TA-Lib says 0 there.
  return hn::IfThenElse(hn::Eq(total, zero), hn::Set(at.d, T{50}), value);
}

// Makes the true range and the close of high, low and close.
struct RangeAndClose {
  static constexpr int kDerived = 2;
  static constexpr unsigned kBefore = 0b100;

  template <class D>
  static HWY_INLINE void Derive(D, const hn::Vec<D>* in, const hn::Vec<D>* before, hn::Vec<D>* to) {
    to[0] = TrueRange(in[0], in[1], before[2]);
    to[1] = in[2];
  }
};

struct Sum {
  template <class V>
  HWY_INLINE V operator()(V one, V other) const {
    return hn::Add(one, other);
  }
};
struct Highest {
  template <class V>
  HWY_INLINE V operator()(V one, V other) const {
    return hn::Max(one, other);
  }
};
struct Lowest {
  template <class V>
  HWY_INLINE V operator()(V one, V other) const {
    return hn::Min(one, other);
  }
};

// The sum or extreme of the last values, by blocks as long as the window: what is left of the block before,
// combined from its end backwards, and what came of this block, combined forwards. Amortised O(1), no value
// is ever subtracted again, so nothing drifts and whatever came before the window leaves no trace. Block
// bounds follow from the number of the bar, the same for all lanes. van Herk 1992, Pattern Recognition
// Letters 13; Gil and Werman 1993, IEEE PAMI 15.
template <class D, class Combine>
struct RollingCell {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  V prefix;

  NAUTILUS_FIELDS(prefix)

  // Returns the combination of the last values, as many as the ring has rows; of fewer there is no value yet.
  template <bool kSteady>
  HWY_INLINE V Push(const At<D, kSteady>& at, const Ring& ring, V value) {
    const Combine combine;
    prefix = ring.at == ring.first ? value : combine(prefix, value);
    T* slot = at.slots + ring.at;
    if (HWY_UNLIKELY(ring.at + ring.step == ring.last)) {
      V suffix = value;
      hn::StoreU(value, at.d, slot);
      for (int64_t back = ring.at - ring.step; back > ring.first; back -= ring.step) {
        suffix = combine(hn::LoadU(at.d, at.slots + back), suffix);
        hn::StoreU(suffix, at.d, at.slots + back);
      }
      return prefix;
    }
    hn::StoreU(value, at.d, slot);
    return combine(hn::LoadU(at.d, slot + ring.step), prefix);
  }
};

// The sum of the weights 1 to `rows`.
template <typename T>
T WeightsOf(int64_t rows) {
  return static_cast<T>(rows) * static_cast<T>(rows + 1) / T{2};
}

// The sum of the last values weighted 1 (oldest) to the rows of the ring (newest), by blocks as RollingCell:
// from the end of the block before come sums with their own weights from 1; from this block one sum with
// weights from 1 and one plain sum for what the weights lack.
template <class D>
struct WeightedCell {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  V plain, weighted;

  NAUTILUS_FIELDS(plain, weighted)

  template <bool kSteady>
  HWY_INLINE V Push(const At<D, kSteady>& at, const Ring& ring, V value) {
    if (ring.at == ring.first) plain = weighted = hn::Zero(at.d);
    plain = hn::Add(plain, value);
    weighted = hn::Add(weighted, hn::Mul(value, hn::Set(at.d, static_cast<T>(ring.row + 1))));
    T* slot = at.slots + ring.at;
    hn::StoreU(value, at.d, slot);
    if (HWY_UNLIKELY(ring.at + ring.step == ring.last)) {
      V sum = hn::Zero(at.d);
      V suffix = sum;
      for (int64_t back = ring.at; back > ring.first; back -= ring.step) {
        sum = hn::Add(sum, hn::LoadU(at.d, at.slots + back));
        suffix = hn::Add(suffix, sum);
        hn::StoreU(suffix, at.d, at.slots + back);
      }
      return weighted;
    }
    const T lacking = static_cast<T>(ring.rows - ring.row - 1);
    const V here = hn::Add(weighted, hn::Mul(plain, hn::Set(at.d, lacking)));
    return hn::Add(hn::LoadU(at.d, slot + ring.step), here);
  }
};

// How many bars ago the highest or lowest of the last values was, the newest of equal ones; by blocks as
// RollingCell. `places` has as many rows as `ring` and keeps where in its block each suffix has its extreme.
template <class D, bool kHighest>
struct AgeCell {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  V extreme, place;

  NAUTILUS_FIELDS(extreme, place)

  template <bool kSteady>
  HWY_INLINE V Push(const At<D, kSteady>& at, const Ring& ring, const Ring& places, V value) {
    const V row = hn::Set(at.d, static_cast<T>(ring.row));
    const auto newest = Beats(value, extreme);
    const bool begins = ring.at == ring.first;
    extreme = begins ? value : hn::IfThenElse(newest, value, extreme);
    place = begins ? row : hn::IfThenElse(newest, row, place);
    T* slot = at.slots + ring.at;
    hn::StoreU(value, at.d, slot);
    if (HWY_UNLIKELY(ring.at + ring.step == ring.last)) {
      V suffix = value;
      V where = row;
      int64_t index = ring.row;
      hn::StoreU(where, at.d, at.slots + places.at);
      for (int64_t back = ring.step; ring.at - back > ring.first; back += ring.step) {
        const V older = hn::LoadU(at.d, slot - back);
        const auto stays = Beats(suffix, older);
        suffix = hn::IfThenElse(stays, suffix, older);
        where = hn::IfThenElse(stays, where, hn::Set(at.d, static_cast<T>(--index)));
        hn::StoreU(suffix, at.d, slot - back);
        hn::StoreU(where, at.d, at.slots + places.at - back);
      }
      return hn::Sub(row, place);
    }
    const V before = hn::LoadU(at.d, slot + ring.step);
    const V where = hn::LoadU(at.d, at.slots + places.at + ring.step);
    const V age_before = hn::Add(row, hn::Sub(hn::Set(at.d, static_cast<T>(ring.rows)), where));
    return hn::IfThenElse(Beats(extreme, before), hn::Sub(row, place), age_before);
  }

 private:
  static HWY_INLINE auto Beats(V newer, V older) {
    if (kHighest)
      return hn::Ge(newer, older);
    else
      return hn::Le(newer, older);
  }
};

// Returns what was pushed as many bars ago as the ring has rows, and keeps `value` in its place.
template <class D, bool kSteady>
HWY_INLINE hn::Vec<D> Delay(const At<D, kSteady>& at, const Ring& ring, hn::Vec<D> value) {
  hn::TFromD<D>* slot = at.slots + ring.at;
  const auto before = hn::LoadU(at.d, slot);
  hn::StoreU(value, at.d, slot);
  return before;
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_CELLS_INL_H_
