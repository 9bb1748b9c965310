// Bollinger bands.
#if defined(NAUTILUS_CPU_INDICATORS_BOLLINGER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_BOLLINGER_INL_H_
#undef NAUTILUS_CPU_INDICATORS_BOLLINGER_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_BOLLINGER_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Bollinger {
  using Options = BollingerOptions;
  static constexpr int kWindows = 1;

  template <typename T>
  struct Plan {
    int64_t rows;
    T period;
    T deviations;

    explicit Plan(const Options& options)
        : rows(options.period),
          period(static_cast<T>(options.period)),
          deviations(static_cast<T>(options.deviations)) {}
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    const auto mean = MeanOf(d, plan, window);
    const auto width = hn::Mul(hn::Set(d, plan.deviations), DeviationOf(d, plan, window, mean));
    out[0] = hn::Add(mean, width);
    out[1] = mean;
    out[2] = hn::Sub(mean, width);
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_BOLLINGER_INL_H_
