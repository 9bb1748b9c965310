// Accumulation/distribution line.
#if defined(NAUTILUS_CPU_INDICATORS_AD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_AD_INL_H_
#undef NAUTILUS_CPU_INDICATORS_AD_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_AD_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Ad {
  using Options = AdOptions;
  static constexpr int kDerived = 1;

  template <class D>
  static HWY_INLINE void Derive(D d, const hn::Vec<D>* in, const hn::Vec<D>*, hn::Vec<D>* flow) {
    flow[0] = MoneyFlow(d, in[0], in[1], in[2], in[3]);
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
      (void)at, (void)plan;
      total = hn::Add(total, in[0]);
      out[0] = total;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_AD_INL_H_
