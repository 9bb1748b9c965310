// Rate of change of a triple exponential average.
#if defined(NAUTILUS_CPU_INDICATORS_TRIX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TRIX_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TRIX_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TRIX_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Trix {
  using Options = TrixOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> once, twice, thrice;

    Plan(const Options& options, Layout&)
        : once(0, options.period),
          twice(once.Ready(), options.period),
          thrice(twice.Ready(), options.period) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> once, twice, thrice;
    V previous;

    NAUTILUS_FIELDS(once, twice, thrice, previous)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V first = once.Push(at, plan.once, in[0]);
      const V second = twice.Push(at, plan.twice, first);
      const V average = thrice.Push(at, plan.thrice, second);
      out[0] = hn::Mul(hn::Set(at.d, T{100}), Ratio(at.d, hn::Sub(average, previous), previous));
      previous = average;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TRIX_INL_H_
