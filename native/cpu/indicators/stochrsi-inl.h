// Stochastic oscillator of the relative strength index.
#if defined(NAUTILUS_CPU_INDICATORS_STOCHRSI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_STOCHRSI_INL_H_
#undef NAUTILUS_CPU_INDICATORS_STOCHRSI_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_STOCHRSI_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Stochrsi {
  using Options = StochrsiOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> rule;
    T signal_bars;
    Ring highs, lows, signal;

    Plan(const Options& options, Layout& layout)
        : rule(WilderRule<T>(1, options.period)),
          signal_bars(static_cast<T>(options.signal)),
          highs(layout.Take(options.range)),
          lows(layout.Take(options.range)),
          signal(layout.Take(options.signal)) {}

    NAUTILUS_RINGS(highs, lows, signal)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V previous;
    EmaCell<D> gain, loss;
    RollingCell<D, Highest> highest;
    RollingCell<D, Lowest> lowest;
    RollingCell<D, Sum> signal;

    NAUTILUS_FIELDS(previous, gain, loss, highest, lowest, signal)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V strength = RelativeStrength(at, plan.rule, in[0], previous, gain, loss);
      const V top = highest.Push(at, plan.highs, strength);
      const V bottom = lowest.Push(at, plan.lows, strength);
      const V k = Position(at.d, strength, bottom, top);
      out[0] = k;
      out[1] = hn::Div(signal.Push(at, plan.signal, k), hn::Set(at.d, plan.signal_bars));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_STOCHRSI_INL_H_
