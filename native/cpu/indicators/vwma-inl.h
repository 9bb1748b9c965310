// Volume-weighted moving average.
#if defined(NAUTILUS_CPU_INDICATORS_VWMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_VWMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_VWMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_VWMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Vwma {
  using Options = VwmaOptions;

  template <typename T>
  struct Plan {
    Ring traded, volumes;

    Plan(const Options& options, Layout& layout)
        : traded(layout.Take(options.period)), volumes(layout.Take(options.period)) {}

    NAUTILUS_RINGS(traded, volumes)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Sum> traded, volumes;

    NAUTILUS_FIELDS(traded, volumes)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V value = traded.Push(at, plan.traded, hn::Mul(in[0], in[1]));
      const V volume = volumes.Push(at, plan.volumes, in[1]);
      // Nothing traded says nothing about the price: the newest close stands.
      out[0] = hn::IfThenElse(hn::Eq(volume, hn::Zero(at.d)), in[0], hn::Div(value, volume));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_VWMA_INL_H_
