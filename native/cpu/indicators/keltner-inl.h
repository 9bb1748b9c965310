// Keltner channels.
#if defined(NAUTILUS_CPU_INDICATORS_KELTNER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_KELTNER_INL_H_
#undef NAUTILUS_CPU_INDICATORS_KELTNER_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_KELTNER_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Keltner : RangeAndClose {
  using Options = KeltnerOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> middle;
    EmaRule<T> range;
    T multiple;

    // A range needs a previous close.
    Plan(const Options& options, Layout&)
        : middle(0, options.period),
          range(WilderRule<T>(1, options.atr)),
          multiple(static_cast<T>(options.multiple)) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> middle;
    EmaCell<D> range;

    NAUTILUS_FIELDS(middle, range)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V centre = middle.Push(at, plan.middle, in[1]);
      const V travelled = range.Push(at, plan.range, in[0]);
      const V width = hn::Mul(hn::Set(at.d, plan.multiple), travelled);
      out[0] = hn::Add(centre, width);
      out[1] = centre;
      out[2] = hn::Sub(centre, width);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_KELTNER_INL_H_
