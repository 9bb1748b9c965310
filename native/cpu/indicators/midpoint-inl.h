// Middle of the range of closes.
#if defined(NAUTILUS_CPU_INDICATORS_MIDPOINT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_MIDPOINT_INL_H_
#undef NAUTILUS_CPU_INDICATORS_MIDPOINT_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_MIDPOINT_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Midpoint {
  using Options = MidpointOptions;

  template <typename T>
  struct Plan {
    Ring tops, bottoms;

    Plan(const Options& options, Layout& layout)
        : tops(layout.Take(options.period)), bottoms(layout.Take(options.period)) {}

    NAUTILUS_RINGS(tops, bottoms)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Highest> top;
    RollingCell<D, Lowest> bottom;

    NAUTILUS_FIELDS(top, bottom)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V all = hn::Add(top.Push(at, plan.tops, in[0]), bottom.Push(at, plan.bottoms, in[0]));
      out[0] = hn::Mul(all, hn::Set(at.d, static_cast<T>(0.5)));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_MIDPOINT_INL_H_
