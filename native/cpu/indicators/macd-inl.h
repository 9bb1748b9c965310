// Moving average convergence/divergence.
#if defined(NAUTILUS_CPU_INDICATORS_MACD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_MACD_INL_H_
#undef NAUTILUS_CPU_INDICATORS_MACD_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_MACD_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Macd {
  using Options = MacdOptions;

  template <typename T>
  struct Plan {
    EmaRule<T> fast, slow, signal;

    // The fast average starts late, so that both are seeded by windows that end at the same bar.
    Plan(const Options& options, Layout&)
        : fast(options.slow - options.fast, options.fast),
          slow(0, options.slow),
          signal(options.slow - 1, options.signal) {}
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    EmaCell<D> fast, slow, signal;

    NAUTILUS_FIELDS(fast, slow, signal)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      const V line = hn::Sub(fast.Push(at, plan.fast, in[0]), slow.Push(at, plan.slow, in[0]));
      const V average = signal.Push(at, plan.signal, line);
      out[0] = line;
      out[1] = average;
      out[2] = hn::Sub(line, average);
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_MACD_INL_H_
