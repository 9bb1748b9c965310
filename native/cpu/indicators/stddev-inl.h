// Standard deviation.
#if defined(NAUTILUS_CPU_INDICATORS_STDDEV_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_STDDEV_INL_H_
#undef NAUTILUS_CPU_INDICATORS_STDDEV_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_STDDEV_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Stddev {
  using Options = StddevOptions;
  static constexpr int kWindows = 1;

  template <typename T>
  struct Plan {
    int64_t rows;
    T period;

    explicit Plan(const Options& options) : rows(options.period), period(static_cast<T>(options.period)) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    out[0] = DeviationOf(d, plan, window, MeanOf(d, plan, window));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_STDDEV_INL_H_
