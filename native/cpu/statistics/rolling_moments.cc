// Rolling sum, mean, extremes, variance, standard deviation, skew and kurtosis, for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/rolling_moments.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "core/kernel_args.h"
#include "core/status.h"
#include "cpu/statistics/moments-inl.h"
#include "cpu/statistics/window-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

template <class Summary, typename T, class Args>
void SlideOne(const Args& args, double ddof, Outcome& outcome) {
  const int64_t least = args.min_periods == 0 ? args.window : args.min_periods;
  Slide(WindowPanels<Summary, T>{args.bars,
                                 args.series,
                                 args.window,
                                 {static_cast<double>(least), ddof},
                                 {static_cast<const T*>(args.values)},
                                 {static_cast<T*>(args.out)}},
        args.cancel, outcome);
}

#define NAUTILUS_ROLLING(Name, Summary, ddof)                                  \
  void Name##Any(const Name##Args& args, Outcome& outcome) {                   \
    args.dtype == Dtype::kF64 ? SlideOne<Summary, double>(args, ddof, outcome) \
                              : SlideOne<Summary, float>(args, ddof, outcome); \
  }
NAUTILUS_ROLLING(RollingSum, SumOf<false>, 0)
NAUTILUS_ROLLING(RollingMean, SumOf<true>, 0)
NAUTILUS_ROLLING(RollingMin, ExtremeOf<false>, 0)
NAUTILUS_ROLLING(RollingMax, ExtremeOf<true>, 0)
NAUTILUS_ROLLING(RollingVar, MomentOf<Moment::kVar>, static_cast<double>(args.ddof))
NAUTILUS_ROLLING(RollingStd, MomentOf<Moment::kStd>, static_cast<double>(args.ddof))
NAUTILUS_ROLLING(RollingSkew, MomentOf<Moment::kSkew>, 0)
NAUTILUS_ROLLING(RollingKurtosis, MomentOf<Moment::kKurtosis>, 0)
#undef NAUTILUS_ROLLING

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
NAUTILUS_ROLLING(RollingSum)
NAUTILUS_ROLLING(RollingMean)
NAUTILUS_ROLLING(RollingMin)
NAUTILUS_ROLLING(RollingMax)
NAUTILUS_ROLLING(RollingVar)
NAUTILUS_ROLLING(RollingStd)
NAUTILUS_ROLLING(RollingSkew)
NAUTILUS_ROLLING(RollingKurtosis)
#undef NAUTILUS_ROLLING

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
