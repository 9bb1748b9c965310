// On-balance volume.
#if defined(NAUTILUS_CPU_INDICATORS_OBV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_OBV_INL_H_
#undef NAUTILUS_CPU_INDICATORS_OBV_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_OBV_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Obv {
  using Options = ObvOptions;

  template <typename T>
  struct Plan {
    Plan(const Options&, Layout&) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V total, close;

    NAUTILUS_FIELDS(total, close)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      (void)plan;
      const V zero = hn::Zero(at.d);
      const V change = hn::Sub(in[0], close);
      const V rise = hn::IfThenElseZero(hn::Gt(change, zero), in[1]);
      const V fall = hn::IfThenElseZero(hn::Lt(change, zero), in[1]);
      // The first bar counts as a rise.
      total = !Bar::kSteady && at.bar == 0 ? in[1] : hn::Add(total, hn::Sub(rise, fall));
      close = in[0];
      out[0] = total;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_OBV_INL_H_
