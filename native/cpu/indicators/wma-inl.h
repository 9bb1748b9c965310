// Weighted moving average.
#if defined(NAUTILUS_CPU_INDICATORS_WMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_WMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_WMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_WMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Wma {
  using Options = WmaOptions;

  template <typename T>
  struct Plan {
    T divisor;
    Ring window;

    Plan(const Options& options, Layout& layout)
        : divisor(WeightsOf<T>(options.period)), window(layout.Take(options.period)) {}

    NAUTILUS_RINGS(window)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    WeightedCell<D> sum;

    NAUTILUS_FIELDS(sum)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      out[0] = hn::Div(sum.Push(at, plan.window, in[0]), hn::Set(at.d, plan.divisor));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_WMA_INL_H_
