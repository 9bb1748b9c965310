// Awesome oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_AWESOME_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_AWESOME_INL_H_
#undef NAUTILUS_CPU_INDICATORS_AWESOME_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_AWESOME_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Awesome {
  using Options = AwesomeOptions;

  template <typename T>
  struct Plan {
    T fast_bars, slow_bars;
    Ring fast, slow;

    Plan(const Options& options, Layout& layout)
        : fast_bars(static_cast<T>(options.fast)),
          slow_bars(static_cast<T>(options.slow)),
          fast(layout.Take(options.fast)),
          slow(layout.Take(options.slow)) {}

    NAUTILUS_RINGS(fast, slow)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Sum> fast, slow;

    NAUTILUS_FIELDS(fast, slow)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V middle = hn::Mul(hn::Add(in[0], in[1]), hn::Set(at.d, static_cast<T>(0.5)));
      const V quick = hn::Div(fast.Push(at, plan.fast, middle), hn::Set(at.d, plan.fast_bars));
      out[0] = hn::Sub(quick, hn::Div(slow.Push(at, plan.slow, middle), hn::Set(at.d, plan.slow_bars)));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_AWESOME_INL_H_
