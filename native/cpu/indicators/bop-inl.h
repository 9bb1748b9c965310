// Balance of power.
#if defined(NAUTILUS_CPU_INDICATORS_BOP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#undef NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Bop {
  using Options = BopOptions;
  static constexpr int kDerived = 1;

  template <class D>
  static HWY_INLINE void Derive(D d, const hn::Vec<D>* in, hn::Vec<D>* power) {
    power[0] = Ratio(d, hn::Sub(in[3], in[0]), hn::Sub(in[1], in[2]));
  }

  template <typename T>
  struct Plan {
    Plan(const Options&, Layout&) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      (void)at, (void)plan;
      out[0] = in[0];
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_BOP_INL_H_
