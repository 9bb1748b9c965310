// Stochastic oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_STOCHASTIC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_STOCHASTIC_INL_H_
#undef NAUTILUS_CPU_INDICATORS_STOCHASTIC_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_STOCHASTIC_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Stochastic {
  using Options = StochasticOptions;

  template <typename T>
  struct Plan {
    T smooth_bars, signal_bars;
    Ring highs, lows, smooth, signal;

    Plan(const Options& options, Layout& layout)
        : smooth_bars(static_cast<T>(options.smooth)),
          signal_bars(static_cast<T>(options.signal)),
          highs(layout.Take(options.period)),
          lows(layout.Take(options.period)),
          smooth(layout.Take(options.smooth)),
          signal(layout.Take(options.signal)) {}

    NAUTILUS_RINGS(highs, lows, smooth, signal)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Highest> highest;
    RollingCell<D, Lowest> lowest;
    RollingCell<D, Sum> smooth, signal;

    NAUTILUS_FIELDS(highest, lowest, smooth, signal)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V top = highest.Push(at, plan.highs, in[0]);
      const V bottom = lowest.Push(at, plan.lows, in[1]);
      const V raw = Position(at.d, in[2], bottom, top);
      const V k = hn::Div(smooth.Push(at, plan.smooth, raw), hn::Set(at.d, plan.smooth_bars));
      out[0] = k;
      out[1] = hn::Div(signal.Push(at, plan.signal, k), hn::Set(at.d, plan.signal_bars));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_STOCHASTIC_INL_H_
