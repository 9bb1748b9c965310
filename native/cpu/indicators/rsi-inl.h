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
    WilderRule<T> rule;

    // The first change needs a previous close.
    Plan(const Options& options, Layout&) : rule(1, options.period) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V previous;
    WilderCell<D> gain, loss;

    NAUTILUS_FIELDS(previous, gain, loss)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V zero = hn::Zero(at.d);
      const V change = hn::Sub(in[0], previous);
      previous = in[0];
      // `<= 0 ? 0 : x` instead of `> 0 ? x : 0` lets a NaN through.
      const V up = gain.Push(at, plan.rule, hn::IfThenZeroElse(hn::Le(change, zero), change));
      const V down = loss.Push(at, plan.rule, hn::IfThenZeroElse(hn::Ge(change, zero), hn::Neg(change)));
      const V total = hn::Add(up, down);
      const V value = hn::Mul(hn::Set(at.d, T{100}), hn::Div(up, total));
      // The middle when the price never moved: neither side is stronger. TA-Lib says 0 there.
      out[0] = hn::IfThenElse(hn::Eq(total, zero), hn::Set(at.d, T{50}), value);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_RSI_INL_H_
