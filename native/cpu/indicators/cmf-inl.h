// Chaikin money flow.
#if defined(NAUTILUS_CPU_INDICATORS_CMF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_CMF_INL_H_
#undef NAUTILUS_CPU_INDICATORS_CMF_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_CMF_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Cmf {
  using Options = CmfOptions;

  template <typename T>
  struct Plan {
    Ring flows, volumes;

    Plan(const Options& options, Layout& layout)
        : flows(layout.Take(options.period)), volumes(layout.Take(options.period)) {}

    NAUTILUS_RINGS(flows, volumes)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Sum> flow, volume;

    NAUTILUS_FIELDS(flow, volume)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V in_or_out = flow.Push(at, plan.flows, MoneyFlow(at.d, in[0], in[1], in[2], in[3]));
      out[0] = Ratio(at.d, in_or_out, volume.Push(at, plan.volumes, in[3]));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_CMF_INL_H_
