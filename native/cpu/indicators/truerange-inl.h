// True range.
#if defined(NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Truerange {
  using Options = TruerangeOptions;
  static constexpr int kWindows = 3;
  static constexpr bool kEnds = true;

  template <typename T>
  struct Plan {
    int64_t rows = 2;

    explicit Plan(const Options&) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    (void)d, (void)plan;
    out[0] = TrueRange(window(0, 1), window(1, 1), window(2, 0));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TRUERANGE_INL_H_
