// Rolling covariance, correlation and regression, for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/rolling_pairs.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "core/kernel_args.h"
#include "core/status.h"
#include "cpu/statistics/pairs-inl.h"
#include "cpu/statistics/window-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

template <class Args>
WindowRule RuleOf(const Args& args, double ddof) {
  return {static_cast<double>(args.min_periods == 0 ? args.window : args.min_periods), ddof};
}

template <Pairing kPairing, typename T, class Args>
void SlidePairs(const Args& args, double ddof, Outcome& outcome) {
  Slide(WindowPanels<PairOf<kPairing>, T>{args.bars,
                                          args.series,
                                          args.window,
                                          RuleOf(args, ddof),
                                          {static_cast<const T*>(args.y), static_cast<const T*>(args.x)},
                                          {static_cast<T*>(args.out)}},
        args.cancel, outcome);
}

template <typename T>
void SlideLine(const RollingRegressionArgs& args, Outcome& outcome) {
  const auto* y = static_cast<const T*>(args.y);
  const auto* x = static_cast<const T*>(args.x);
  T* const out[] = {static_cast<T*>(args.slope), static_cast<T*>(args.intercept), static_cast<T*>(args.r2),
                    static_cast<T*>(args.residual)};
  const WindowRule rule = RuleOf(args, 0);
  if (x != nullptr) {
    Slide(
        WindowPanels<PairOf<Pairing::kLine>, T>{
            args.bars, args.series, args.window, rule, {y, x}, {out[0], out[1], out[2], out[3]}},
        args.cancel, outcome);
  } else {
    Slide(
        WindowPanels<PairOf<Pairing::kTrend>, T>{
            args.bars, args.series, args.window, rule, {y}, {out[0], out[1], out[2], out[3]}},
        args.cancel, outcome);
  }
}

void RollingCovarianceAny(const RollingCovarianceArgs& args, Outcome& outcome) {
  const auto ddof = static_cast<double>(args.ddof);
  args.dtype == Dtype::kF64 ? SlidePairs<Pairing::kCovariance, double>(args, ddof, outcome)
                            : SlidePairs<Pairing::kCovariance, float>(args, ddof, outcome);
}

void RollingCorrelationAny(const RollingCorrelationArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? SlidePairs<Pairing::kCorrelation, double>(args, 0, outcome)
                            : SlidePairs<Pairing::kCorrelation, float>(args, 0, outcome);
}

void RollingRegressionAny(const RollingRegressionArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? SlideLine<double>(args, outcome) : SlideLine<float>(args, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

#define NAUTILUS_ROLLING(Name)                      \
  HWY_EXPORT(Name##Any);                            \
  Status Name(Name##Args& args) {                   \
    Outcome outcome;                                \
    HWY_DYNAMIC_DISPATCH(Name##Any)(args, outcome); \
    return outcome.Take();                          \
  }
NAUTILUS_ROLLING(RollingCovariance)
NAUTILUS_ROLLING(RollingCorrelation)
NAUTILUS_ROLLING(RollingRegression)
#undef NAUTILUS_ROLLING

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
