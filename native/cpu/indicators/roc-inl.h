// Rate of change.
#if defined(NAUTILUS_CPU_INDICATORS_ROC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_ROC_INL_H_
#undef NAUTILUS_CPU_INDICATORS_ROC_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_ROC_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Roc {
  using Options = RocOptions;
  static constexpr int kWindows = 1;
  static constexpr bool kEnds = true;

  template <typename T>
  struct Plan {
    int64_t rows;

    explicit Plan(const Options& options) : rows(options.period + 1) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    const auto before = window(0, 0);
    const auto change = hn::Sub(window(0, plan.rows - 1), before);
    out[0] = hn::Mul(hn::Set(d, hn::TFromD<D>{100}), Ratio(d, change, before));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_ROC_INL_H_
