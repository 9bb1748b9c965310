// Simple moving average.
#if defined(NAUTILUS_CPU_INDICATORS_SMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_SMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_SMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_SMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Sma {
  using Options = SmaOptions;

  template <typename T>
  struct Plan {
    T period;
    Ring window;

    Plan(const Options& options, Layout& layout)
        : period(static_cast<T>(options.period)), window(layout.Take(options.period)) {}

    NAUTILUS_RINGS(window)
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    RollingCell<D, Sum> sum;

    NAUTILUS_FIELDS(sum)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      out[0] = hn::Div(sum.Push(at, plan.window, in[0]), hn::Set(at.d, plan.period));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_SMA_INL_H_
