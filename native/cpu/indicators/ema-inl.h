// Exponential moving average.
#if defined(NAUTILUS_CPU_INDICATORS_EMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_EMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_EMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_EMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Ema {
  using Options = EmaOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> rule;

    Plan(const Options& options, Layout&) : rule(0, options.period) {}
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    EmaCell<D> average;

    NAUTILUS_FIELDS(average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      out[0] = average.Push(at, plan.rule, in[0]);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_EMA_INL_H_
