// Percentage price oscillator.
#if defined(NAUTILUS_CPU_INDICATORS_PPO_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_PPO_INL_H_
#undef NAUTILUS_CPU_INDICATORS_PPO_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_PPO_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Ppo {
  using Options = PpoOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> fast, slow, signal;

    // Unlike those of MACD each average is seeded by its own first bars, as in TA-Lib.
    Plan(const Options& options, Layout&)
        : fast(0, options.fast), slow(0, options.slow), signal(options.slow - 1, options.signal) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    EmaCell<D> fast, slow, signal;

    NAUTILUS_FIELDS(fast, slow, signal)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V quick = fast.Push(at, plan.fast, in[0]);
      const V base = slow.Push(at, plan.slow, in[0]);
      const V line = hn::Mul(hn::Set(at.d, T{100}), Ratio(at.d, hn::Sub(quick, base), base));
      const V average = signal.Push(at, plan.signal, line);
      out[0] = line;
      out[1] = average;
      out[2] = hn::Sub(line, average);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_PPO_INL_H_
