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
  static constexpr int kDerived = 2;
  static constexpr unsigned kBefore = 0b01;

  template <class D>
  static HWY_INLINE void Derive(D d, const hn::Vec<D>* in, const hn::Vec<D>* before, hn::Vec<D>* to) {
    const auto zero = hn::Zero(d);
    const auto change = hn::Sub(in[0], before[0]);
    const auto rise = hn::IfThenElseZero(hn::Gt(change, zero), in[1]);
    const auto fall = hn::IfThenElseZero(hn::Lt(change, zero), in[1]);
    to[0] = hn::Sub(rise, fall);
    to[1] = in[1];
  }

  template <typename T>
  struct Plan {
    Plan(const Options&, Layout&) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V total;

    NAUTILUS_FIELDS(total)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      (void)plan;
      // The first bar counts as a rise.
      total = !Bar::kSteady && at.bar == 0 ? in[1] : hn::Add(total, in[0]);
      out[0] = total;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_OBV_INL_H_
