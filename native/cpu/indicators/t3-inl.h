// Tillson's moving average.
#if defined(NAUTILUS_CPU_INDICATORS_T3_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_T3_INL_H_
#undef NAUTILUS_CPU_INDICATORS_T3_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_T3_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct T3 {
  using Options = T3Options;

  template <typename T>
  struct Plan {
    EmaRule<T> rules[6];
    T third, fourth, fifth, sixth;

    Plan(const Options& options, Layout&)
        : rules{Rule(options, 0), Rule(options, 1), Rule(options, 2),
                Rule(options, 3), Rule(options, 4), Rule(options, 5)} {
      const double v = options.factor;
      sixth = static_cast<T>(-v * v * v);
      fifth = static_cast<T>(3 * v * v + 3 * v * v * v);
      fourth = static_cast<T>(-6 * v * v - 3 * v - 3 * v * v * v);
      third = static_cast<T>(1 + 3 * v + 3 * v * v + v * v * v);
    }

    // Each average begins where the one before it has its first value.
    static EmaRule<T> Rule(const Options& options, int64_t before) {
      return EmaRule<T>(before * (options.period - 1), options.period);
    }
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> averages[6];

    NAUTILUS_FIELDS(averages)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      V value[6];
      value[0] = averages[0].Push(at, plan.rules[0], in[0]);
      for (int i = 1; i < 6; ++i) value[i] = averages[i].Push(at, plan.rules[i], value[i - 1]);
      const V low =
          hn::Add(hn::Mul(hn::Set(at.d, plan.sixth), value[5]), hn::Mul(hn::Set(at.d, plan.fifth), value[4]));
      const V high = hn::Add(hn::Mul(hn::Set(at.d, plan.fourth), value[3]),
                             hn::Mul(hn::Set(at.d, plan.third), value[2]));
      out[0] = hn::Add(low, high);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_T3_INL_H_
