// Ultimate oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_ULTIMATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_ULTIMATE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_ULTIMATE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_ULTIMATE_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Ultimate {
  using Options = UltimateOptions;
  static constexpr int kDerived = 2;
  static constexpr unsigned kBefore = 0b100;

  // What was bought, and how far the price travelled.
  template <class D>
  static HWY_INLINE void Derive(D, const hn::Vec<D>* in, const hn::Vec<D>* before, hn::Vec<D>* to) {
    const auto low = hn::Min(in[1], before[2]);
    to[0] = hn::Sub(in[2], low);
    to[1] = hn::Sub(hn::Max(in[0], before[2]), low);
  }

  template <typename T>
  struct Plan {
    Ring pressure[3], range[3];

    Plan(const Options& options, Layout& layout) {
      const int64_t bars[3] = {options.shorter, options.medium, options.longer};
      for (int i = 0; i < 3; ++i) {
        pressure[i] = layout.Take(bars[i]);
        range[i] = layout.Take(bars[i]);
      }
    }

    NAUTILUS_RINGS(pressure, range)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    RollingCell<D, Sum> pressure[3];
    RollingCell<D, Sum> range[3];

    NAUTILUS_FIELDS(pressure, range)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      V sum = hn::Zero(at.d);
      for (int i = 0; i < 3; ++i) {
        const V up = pressure[i].Push(at, plan.pressure[i], in[0]);
        const V all = range[i].Push(at, plan.range[i], in[1]);
        // The middle when the price did not move: neither side is stronger. TA-Lib says 0 there.
        const V middle = hn::Set(at.d, static_cast<T>(0.5));
        const V share = hn::IfThenElse(hn::Eq(all, hn::Zero(at.d)), middle, hn::Div(up, all));
        sum = hn::Add(sum, hn::Mul(hn::Set(at.d, static_cast<T>(4 >> i)), share));
      }
      out[0] = hn::Mul(hn::Set(at.d, T{100}), hn::Div(sum, hn::Set(at.d, T{7})));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ULTIMATE_INL_H_
