// Aroon.
#if defined(NAUTILUS_CPU_INDICATORS_AROON_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_AROON_INL_H_
#undef NAUTILUS_CPU_INDICATORS_AROON_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_AROON_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Aroon {
  using Options = AroonOptions;

  template <typename T>
  struct Plan {
    T period;
    Ring highs, tops, lows, bottoms;

    Plan(const Options& options, Layout& layout)
        : period(static_cast<T>(options.period)),
          highs(layout.Take(options.period + 1)),
          tops(layout.Take(options.period + 1)),
          lows(layout.Take(options.period + 1)),
          bottoms(layout.Take(options.period + 1)) {}

    NAUTILUS_RINGS(highs, tops, lows, bottoms)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    AgeCell<D, true> top;
    AgeCell<D, false> bottom;

    NAUTILUS_FIELDS(top, bottom)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V bars = hn::Set(at.d, plan.period);
      const V hundred = hn::Set(at.d, T{100});
      const V up = hn::Div(hn::Mul(hundred, hn::Sub(bars, top.Push(at, plan.highs, plan.tops, in[0]))), bars);
      const V down =
          hn::Div(hn::Mul(hundred, hn::Sub(bars, bottom.Push(at, plan.lows, plan.bottoms, in[1]))), bars);
      out[0] = up;
      out[1] = down;
      out[2] = hn::Sub(up, down);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_AROON_INL_H_
