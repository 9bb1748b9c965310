// Donchian channels.
#if defined(NAUTILUS_CPU_INDICATORS_DONCHIAN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_DONCHIAN_INL_H_
#undef NAUTILUS_CPU_INDICATORS_DONCHIAN_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_DONCHIAN_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Donchian {
  using Options = DonchianOptions;

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
      const V upper = top.Push(at, plan.tops, in[0]);
      const V lower = bottom.Push(at, plan.bottoms, in[1]);
      out[0] = upper;
      out[1] = hn::Mul(hn::Add(upper, lower), hn::Set(at.d, static_cast<T>(0.5)));
      out[2] = lower;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_DONCHIAN_INL_H_
