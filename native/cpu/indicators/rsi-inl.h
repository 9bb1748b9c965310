// Wilder's relative strength index.
#if defined(NAUTILUS_CPU_INDICATORS_RSI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_RSI_INL_H_
#undef NAUTILUS_CPU_INDICATORS_RSI_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_RSI_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Rsi {
  using Options = RsiOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> rule;

    // The first change needs a previous close.
    Plan(const Options& options, Layout&) : rule(WilderRule<T>(1, options.period)) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V previous;
    EmaCell<D> gain, loss;

    NAUTILUS_FIELDS(previous, gain, loss)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      out[0] = RelativeStrength(at, plan.rule, in[0], previous, gain, loss);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_RSI_INL_H_
