// Balance of power.
#if defined(NAUTILUS_CPU_INDICATORS_BOP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#undef NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_BOP_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Bop {
  using Options = BopOptions;
  static constexpr int kWindows = 4;
  static constexpr bool kEnds = true;

  template <typename T>
  struct Plan {
    int64_t rows = 1;

    explicit Plan(const Options&) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan&, const Window& window, hn::Vec<D>* out) {
    out[0] = Ratio(d, hn::Sub(window(3, 0), window(0, 0)), hn::Sub(window(1, 0), window(2, 0)));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_BOP_INL_H_
