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
  static constexpr int kDerived = 1;
  static constexpr unsigned kBefore = 0b100;

  template <class D>
  static HWY_INLINE void Derive(D, const hn::Vec<D>* in, const hn::Vec<D>* before, hn::Vec<D>* to) {
    to[0] = TrueRange(in[0], in[1], before[2]);
  }

  template <typename T>
  struct Plan {
    EmaRule<T> rule;

    // A range needs a previous close.
    Plan(const Options& options, Layout&) : rule(WilderRule<T>(1, options.period)) {}
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    EmaCell<D> average;

    NAUTILUS_FIELDS(average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      out[0] = average.Push(at, plan.rule, in[0]);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ATR_INL_H_
