// Normalized average true range.
#if defined(NAUTILUS_CPU_INDICATORS_NATR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_NATR_INL_H_
#undef NAUTILUS_CPU_INDICATORS_NATR_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_NATR_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Natr : RangeAndClose {
  using Options = NatrOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> rule;

    // A range needs a previous close.
    Plan(const Options& options, Layout&) : rule(WilderRule<T>(1, options.period)) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> average;

    NAUTILUS_FIELDS(average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V range = average.Push(at, plan.rule, in[0]);
      out[0] = hn::Mul(hn::Set(at.d, T{100}), Ratio(at.d, range, in[1]));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_NATR_INL_H_
