// Average directional index after Wilder.
#if defined(NAUTILUS_CPU_INDICATORS_ADX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_ADX_INL_H_
#undef NAUTILUS_CPU_INDICATORS_ADX_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_ADX_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Adx {
  using Options = AdxOptions;

  template <typename T>
  struct Plan {
    int64_t start;
    EmaRule<T> rule;

    // Movements need a bar before; their first sums end at the bar before `period`.
    Plan(const Options& options, Layout&)
        : start(options.period), rule(WilderRule<T>(options.period, options.period)) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V high, low, close, rise, fall, range;
    EmaCell<D> average;

    NAUTILUS_FIELDS(high, low, close, rise, fall, range, average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V zero = hn::Zero(at.d);
      const V hundred = hn::Set(at.d, T{100});
      const V up = hn::Sub(in[0], high);
      const V down = hn::Sub(low, in[1]);
      const V travelled = TrueRange(in[0], in[1], close);
      // Only the greater movement counts, and only outwards.
      Smooth(at, plan, rise, hn::IfThenElseZero(hn::Gt(up, hn::Max(down, zero)), up));
      Smooth(at, plan, fall, hn::IfThenElseZero(hn::Gt(down, hn::Max(up, zero)), down));
      Smooth(at, plan, range, travelled);
      high = in[0];
      low = in[1];
      close = in[2];
      const V plus = hn::Mul(hundred, Ratio(at.d, rise, range));
      const V minus = hn::Mul(hundred, Ratio(at.d, fall, range));
      const V index = hn::Mul(hundred, Ratio(at.d, hn::Abs(hn::Sub(minus, plus)), hn::Add(minus, plus)));
      out[0] = average.Push(at, plan.rule, index);
      out[1] = plus;
      out[2] = minus;
      out[3] = index;
    }

    // Wilder's sum: it loses one part in `period` with each bar after the first ones.
    template <class Bar>
    static HWY_INLINE void Smooth(const Bar& at, const Plan<T>& plan, V& sum, V value) {
      if (!Bar::kSteady && at.bar < plan.start) {
        sum = at.bar == 0 ? hn::Zero(at.d) : hn::Add(sum, value);
        return;
      }
      sum = hn::Add(hn::Sub(sum, hn::Mul(sum, hn::Set(at.d, plan.rule.weight))), value);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ADX_INL_H_
