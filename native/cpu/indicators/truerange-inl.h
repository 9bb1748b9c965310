// True range.
#if defined(NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Truerange {
  using Options = TruerangeOptions;

  template <typename T>
  struct Plan {
    Plan(const Options&, Layout&) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V close;

    NAUTILUS_FIELDS(close)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      (void)at, (void)plan;
      out[0] = TrueRange(in[0], in[1], close);
      close = in[2];
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
