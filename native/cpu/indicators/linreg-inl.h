// Linear regression.
#if defined(NAUTILUS_CPU_INDICATORS_LINREG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_LINREG_INL_H_
#undef NAUTILUS_CPU_INDICATORS_LINREG_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_LINREG_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Linreg {
  using Options = LinregOptions;
  static constexpr int kWindows = 1;

  template <typename T>
  struct Plan {
    int64_t rows;
    T period;
    T spread;  // the sum of the squared distances of the bars from their mean
    T reach;   // from the mean of the bars to the newest

    explicit Plan(const Options& options) : rows(options.period), period(static_cast<T>(options.period)) {
      const double bars = static_cast<double>(options.period);
      spread = static_cast<T>(bars * (bars * bars - 1) / 12);
      reach = static_cast<T>((bars - 1) / 2);
    }
  };

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    // Bars as far before the middle as after it have opposite weights: their difference counts.
    using T = hn::TFromD<D>;
    auto sum = hn::Zero(d);
    for (int64_t row = 0; row < plan.rows / 2; ++row) {
      const int64_t other = plan.rows - 1 - row;
      const auto weight = hn::Set(d, static_cast<T>(other - row) * static_cast<T>(0.5));
      sum = hn::Add(sum, hn::Mul(weight, hn::Sub(window(0, other), window(0, row))));
    }
    const auto slope = hn::Div(sum, hn::Set(d, plan.spread));
    out[0] = hn::Add(MeanOf(d, plan, window), hn::Mul(slope, hn::Set(d, plan.reach)));
    out[1] = slope;
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_LINREG_INL_H_
