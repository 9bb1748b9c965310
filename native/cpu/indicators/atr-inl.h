// Average true range after Wilder.
#if defined(NAUTILUS_CPU_INDICATORS_ATR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_ATR_INL_H_
#undef NAUTILUS_CPU_INDICATORS_ATR_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_ATR_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Atr {
  using Options = AtrOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> rule;

    // A range needs a previous close.
    Plan(const Options& options, Layout&) : rule(WilderRule<T>(1, options.period)) {}
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    V close;
    EmaCell<D> average;

    NAUTILUS_FIELDS(close, average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      out[0] = average.Push(at, plan.rule, TrueRange(in[0], in[1], close));
      close = in[2];
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ATR_INL_H_
