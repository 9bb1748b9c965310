// Williams %R.
#if defined(NAUTILUS_CPU_INDICATORS_WILLIAMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_WILLIAMS_INL_H_
#undef NAUTILUS_CPU_INDICATORS_WILLIAMS_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_WILLIAMS_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Williams {
  using Options = WilliamsOptions;

  template <typename T>
  struct Plan {
    Ring highs, lows;

    Plan(const Options& options, Layout& layout)
        : highs(layout.Take(options.period)), lows(layout.Take(options.period)) {}

    NAUTILUS_RINGS(highs, lows)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Highest> highest;
    RollingCell<D, Lowest> lowest;

    NAUTILUS_FIELDS(highest, lowest)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V top = highest.Push(at, plan.highs, in[0]);
      const V bottom = lowest.Push(at, plan.lows, in[1]);
      // From the top down, so the sign of the place of the close turned upside down.
      out[0] = hn::Neg(Position(at.d, in[2], top, bottom));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_WILLIAMS_INL_H_
