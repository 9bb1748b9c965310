// Statistics on the GPU, in f32: slots of the kernel table.
#ifndef NAUTILUS_METAL_HOST_STATISTICS_H_
#define NAUTILUS_METAL_HOST_STATISTICS_H_

#include "core/kernel_args.h"
#include "core/task.h"

// Slots with the Metal kernels that each needs.
#define NAUTILUS_METAL_STATISTICS(X)                                  \
  X(Argsort, "argsort_f32")                                           \
  X(CrossRank, "cross_rank_f32")                                      \
  X(CrossWinsorise, "cross_winsorise_f32")                            \
  X(CrossZscore, "cross_zscore_f32")                                  \
  X(Drawdown, "drawdown_f32")                                         \
  X(EwmCorrelation, "ewm_correlation_f32")                            \
  X(EwmCovariance, "ewm_covariance_f32")                              \
  X(EwmMean, "ewm_mean_f32")                                          \
  X(EwmStd, "ewm_std_f32")                                            \
  X(EwmVar, "ewm_var_f32")                                            \
  X(Histogram, "histogram_f32")                                       \
  X(MaxDrawdown, "max_drawdown_f32")                                  \
  X(NthSmallest, "nth_smallest_f32")                                  \
  X(Quantiles, "quantiles_f32")                                       \
  X(RollingCorrelation, "rolling_correlation_f32")                    \
  X(RollingCovariance, "rolling_covariance_f32")                      \
  X(RollingKurtosis, "rolling_kurtosis_f32")                          \
  X(RollingMax, "rolling_max_f32")                                    \
  X(RollingMean, "rolling_mean_f32")                                  \
  X(RollingMin, "rolling_min_f32")                                    \
  X(RollingQuantile, "rolling_quantile_f32")                          \
  X(RollingRank, "rolling_rank_f32")                                  \
  X(RollingRegression, "rolling_regression_f32", "rolling_trend_f32") \
  X(RollingSkew, "rolling_skew_f32")                                  \
  X(RollingStd, "rolling_std_f32")                                    \
  X(RollingSum, "rolling_sum_f32")                                    \
  X(RollingVar, "rolling_var_f32")                                    \
  X(Triad, "triad_f32")

namespace nautilus::metal {

#define NAUTILUS_SLOT(Name, ...) Task Name(Name##Args& args);
NAUTILUS_METAL_STATISTICS(NAUTILUS_SLOT)
#undef NAUTILUS_SLOT

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_STATISTICS_H_
