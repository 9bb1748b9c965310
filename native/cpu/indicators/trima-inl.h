// Triangular moving average.
#if defined(NAUTILUS_CPU_INDICATORS_TRIMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TRIMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TRIMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TRIMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Trima {
  using Options = TrimaOptions;

  template <typename T>
  struct Plan {
    T divisor;
    Ring inner, outer;

    // Two plain means whose lengths add up to period + 1: the weights rise to the middle and fall again.
    Plan(const Options& options, Layout& layout) {
      const int64_t shorter = (options.period + 1) / 2;
      const int64_t longer = options.period + 1 - shorter;
      divisor = static_cast<T>(shorter) * static_cast<T>(longer);
      inner = layout.Take(shorter);
      outer = layout.Take(longer);
    }

    NAUTILUS_RINGS(inner, outer)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Sum> inner, outer;

    NAUTILUS_FIELDS(inner, outer)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V sum = outer.Push(at, plan.outer, inner.Push(at, plan.inner, in[0]));
      out[0] = hn::Div(sum, hn::Set(at.d, plan.divisor));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TRIMA_INL_H_
