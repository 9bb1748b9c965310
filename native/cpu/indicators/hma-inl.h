// Hull moving average.
#if defined(NAUTILUS_CPU_INDICATORS_HMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_HMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_HMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_HMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Hma {
  using Options = HmaOptions;

  template <typename T>
  struct Plan {
    T half_divisor, divisor, root_divisor;
    Ring half, whole, root;

    Plan(const Options& options, Layout& layout)
        : half_divisor(WeightsOf<T>(options.period / 2)),
          divisor(WeightsOf<T>(options.period)),
          root_divisor(WeightsOf<T>(Isqrt(options.period))),
          half(layout.Take(options.period / 2)),
          whole(layout.Take(options.period)),
          root(layout.Take(Isqrt(options.period))) {}

    NAUTILUS_RINGS(half, whole, root)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    WeightedCell<D> half, whole, root;

    NAUTILUS_FIELDS(half, whole, root)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V quick = hn::Div(half.Push(at, plan.half, in[0]), hn::Set(at.d, plan.half_divisor));
      const V slow = hn::Div(whole.Push(at, plan.whole, in[0]), hn::Set(at.d, plan.divisor));
      const V ahead = hn::Sub(hn::Add(quick, quick), slow);
      out[0] = hn::Div(root.Push(at, plan.root, ahead), hn::Set(at.d, plan.root_divisor));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_HMA_INL_H_
