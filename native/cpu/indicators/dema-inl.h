// Double exponential moving average.
#if defined(NAUTILUS_CPU_INDICATORS_DEMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_DEMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_DEMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_DEMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Dema {
  using Options = DemaOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> once, twice;

    Plan(const Options& options, Layout&) : once(0, options.period), twice(once.Ready(), options.period) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> once, twice;

    NAUTILUS_FIELDS(once, twice)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V first = once.Push(at, plan.once, in[0]);
      const V second = twice.Push(at, plan.twice, first);
      out[0] = hn::Sub(hn::Add(first, first), second);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_DEMA_INL_H_
