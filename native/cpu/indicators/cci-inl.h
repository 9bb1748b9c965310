// Commodity channel index.
#if defined(NAUTILUS_CPU_INDICATORS_CCI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_CCI_INL_H_
#undef NAUTILUS_CPU_INDICATORS_CCI_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_CCI_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/window-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Cci {
  using Options = CciOptions;
  static constexpr int kWindows = 1;

  template <typename T>
  struct Plan {
    int64_t rows;
    T period;
    T scale;

    explicit Plan(const Options& options)
        : rows(options.period), period(static_cast<T>(options.period)), scale(static_cast<T>(0.015)) {}
  };

  template <class D, class Plan>
  static HWY_INLINE void Prepare(D d, const Plan& plan, const hn::Vec<D>* in, hn::Vec<D>* kept) {
    (void)plan;
    kept[0] = TypicalPrice(d, in[0], in[1], in[2]);
  }

  template <class D, class Plan, class Window>
  static HWY_INLINE void Value(D d, const Plan& plan, const Window& window, hn::Vec<D>* out) {
    const auto mean = MeanOf(d, plan, window);
    auto distances = hn::Zero(d);
    for (int64_t row = 0; row < plan.rows; ++row) {
      distances = hn::Add(distances, hn::Abs(hn::Sub(window(0, row), mean)));
    }
    const auto spread = hn::Mul(hn::Set(d, plan.scale), hn::Div(distances, hn::Set(d, plan.period)));
    const auto distance = hn::Sub(window(0, plan.rows - 1), mean);
    // On the mean there is no distance, whatever the rounding of the mean makes of a window that never moved.
    const auto flat = hn::Eq(SpanOf(plan, window), hn::Zero(d));
    out[0] = hn::IfThenZeroElse(flat, Ratio(d, distance, spread));
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_CCI_INL_H_
