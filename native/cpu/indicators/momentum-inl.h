// Momentum.
#if defined(NAUTILUS_CPU_INDICATORS_MOMENTUM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_MOMENTUM_INL_H_
#undef NAUTILUS_CPU_INDICATORS_MOMENTUM_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_MOMENTUM_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Momentum {
  using Options = MomentumOptions;
  static constexpr int kWindows = 1;
  static constexpr bool kEnds = true;

  template <typename T>
  struct Plan {
    int64_t rows;

    explicit Plan(const Options& options) : rows(options.period + 1) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    (void)d;
    out[0] = hn::Sub(window(0, plan.rows - 1), window(0, 0));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_MOMENTUM_INL_H_
