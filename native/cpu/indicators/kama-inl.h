// Kaufman's adaptive moving average.
#if defined(NAUTILUS_CPU_INDICATORS_KAMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_KAMA_INL_H_
#undef NAUTILUS_CPU_INDICATORS_KAMA_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_KAMA_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Kama {
  using Options = KamaOptions;

  template <typename T>
  struct Plan {
    int64_t start;
    T slow, range;  // the weight of a slow average, and from there to that of a fast one
    Ring moves, closes;

    Plan(const Options& options, Layout& layout)
        : start(options.period), moves(layout.Take(options.period)), closes(layout.Take(options.period)) {
      const double slowest = 2.0 / static_cast<double>(options.slow + 1);
      slow = static_cast<T>(slowest);
      range = static_cast<T>(2.0 / static_cast<double>(options.fast + 1) - slowest);
    }

    NAUTILUS_RINGS(moves, closes)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V average, previous;
    RollingCell<D, Sum> path;

    NAUTILUS_FIELDS(average, previous, path)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V close = in[0];
      const V travelled = path.Push(at, plan.moves, hn::Abs(hn::Sub(close, previous)));
      const V change = hn::Abs(hn::Sub(close, Delay(at, plan.closes, close)));
      // A price that went straight, or did not move, is followed at full speed.
      const V one = hn::Set(at.d, T{1});
      const V efficiency = hn::IfThenElse(hn::Le(travelled, change), one, hn::Div(change, travelled));
      const V weight = hn::Add(hn::Mul(efficiency, hn::Set(at.d, plan.range)), hn::Set(at.d, plan.slow));
      if (!Bar::kSteady && at.bar <= plan.start) average = previous;
      average = hn::Add(average, hn::Mul(hn::Mul(weight, weight), hn::Sub(close, average)));
      previous = close;
      out[0] = average;
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_KAMA_INL_H_
