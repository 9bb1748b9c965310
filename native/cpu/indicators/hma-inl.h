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
    T shorter_divisor, divisor, root_divisor;
    Ring shorter, whole, root;

    Plan(const Options& options, Layout& layout)
        : shorter_divisor(WeightsOf<T>(options.period / 2)),
          divisor(WeightsOf<T>(options.period)),
          root_divisor(WeightsOf<T>(Isqrt(options.period))),
          shorter(layout.Take(options.period / 2)),
          whole(layout.Take(options.period)),
          root(layout.Take(Isqrt(options.period))) {}

    NAUTILUS_RINGS(shorter, whole, root)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    WeightedCell<D> shorter, whole, root;

    NAUTILUS_FIELDS(shorter, whole, root)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V quick = hn::Div(shorter.Push(at, plan.shorter, in[0]), hn::Set(at.d, plan.shorter_divisor));
      const V slow = hn::Div(whole.Push(at, plan.whole, in[0]), hn::Set(at.d, plan.divisor));
      const V ahead = hn::Sub(hn::Add(quick, quick), slow);
      out[0] = hn::Div(root.Push(at, plan.root, ahead), hn::Set(at.d, plan.root_divisor));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_HMA_INL_H_
