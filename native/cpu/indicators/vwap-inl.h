// Volume-weighted average price.
#if defined(NAUTILUS_CPU_INDICATORS_VWAP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_VWAP_INL_H_
#undef NAUTILUS_CPU_INDICATORS_VWAP_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_VWAP_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Vwap {
  using Options = VwapOptions;

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
      const V price = TypicalPrice(at.d, in[0], in[1], in[2]);
      const V value = traded.Push(at, plan.traded, hn::Mul(price, in[3]));
      const V volume = volumes.Push(at, plan.volumes, in[3]);
      // Nothing traded says nothing about the price: that of the newest bar stands.
      out[0] = hn::IfThenElse(hn::Eq(volume, hn::Zero(at.d)), price, hn::Div(value, volume));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_VWAP_INL_H_
