// Chaikin oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_CHAIKIN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_CHAIKIN_INL_H_
#undef NAUTILUS_CPU_INDICATORS_CHAIKIN_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_CHAIKIN_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Chaikin {
  using Options = ChaikinOptions;
  static constexpr int kDerived = 1;
  // A total is never forgotten, although its averages differ less and less.
  static constexpr int64_t kLead = 0;

  template <class D>
  static HWY_INLINE void Derive(D d, const hn::Vec<D>* in, const hn::Vec<D>*, hn::Vec<D>* flow) {
    flow[0] = MoneyFlow(d, in[0], in[1], in[2], in[3]);
  }

  template <typename T>
  struct Plan {
    EmaRule<T> fast, slow;

    // Both averages begin at the first total, as in TA-Lib.
    Plan(const Options& options, Layout&) : fast(Begun(options.fast)), slow(Begun(options.slow)) {}

    static EmaRule<T> Begun(int64_t period) {
      EmaRule<T> rule(0, period);
      rule.period = 1;
      return rule;
    }
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V total;
    EmaCell<D> fast, slow;

    NAUTILUS_FIELDS(total, fast, slow)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      total = hn::Add(total, in[0]);
      const V quick = fast.Push(at, plan.fast, total);
      out[0] = hn::Sub(quick, slow.Push(at, plan.slow, total));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_CHAIKIN_INL_H_
