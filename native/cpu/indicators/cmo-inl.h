// Chande momentum oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_CMO_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_CMO_INL_H_
#undef NAUTILUS_CPU_INDICATORS_CMO_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_CMO_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Cmo {
  using Options = CmoOptions;

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
      const V zero = hn::Zero(at.d);
      const V change = hn::Sub(in[0], previous);
      previous = in[0];
      const V up = gain.Push(at, plan.rule, hn::Max(change, zero));
      const V down = loss.Push(at, plan.rule, hn::Max(hn::Neg(change), zero));
      // Of a price that never moved the ratio is the middle, nought.
      out[0] = hn::Mul(hn::Set(at.d, T{100}), Ratio(at.d, hn::Sub(up, down), hn::Add(up, down)));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_CMO_INL_H_
