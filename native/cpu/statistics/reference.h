// Plain scalar references of the statistics kernels: what the fast ones are tested against. Never called by
// the addon.
#ifndef NAUTILUS_CPU_STATISTICS_REFERENCE_H_
#define NAUTILUS_CPU_STATISTICS_REFERENCE_H_

#include "core/kernel_args.h"
#include "core/status.h"

namespace nautilus::cpu::reference {

Status RollingSum(RollingSumArgs& args);
Status RollingMean(RollingMeanArgs& args);
Status RollingMin(RollingMinArgs& args);
Status RollingMax(RollingMaxArgs& args);
Status RollingVar(RollingVarArgs& args);
Status RollingStd(RollingStdArgs& args);
Status RollingSkew(RollingSkewArgs& args);
Status RollingKurtosis(RollingKurtosisArgs& args);
Status RollingCovariance(RollingCovarianceArgs& args);
Status RollingCorrelation(RollingCorrelationArgs& args);
Status RollingRegression(RollingRegressionArgs& args);
Status RollingQuantile(RollingQuantileArgs& args);
Status RollingRank(RollingRankArgs& args);
Status EwmMean(EwmMeanArgs& args);
Status EwmVar(EwmVarArgs& args);
Status EwmStd(EwmStdArgs& args);
Status EwmCovariance(EwmCovarianceArgs& args);
Status EwmCorrelation(EwmCorrelationArgs& args);
Status CrossRank(CrossRankArgs& args);
Status CrossZscore(CrossZscoreArgs& args);
Status CrossWinsorise(CrossWinsoriseArgs& args);
Status CrossNeutralise(CrossNeutraliseArgs& args);
Status ColumnSummaries(ColumnSummariesArgs& args);
Status Quantiles(QuantilesArgs& args);
Status NthSmallest(NthSmallestArgs& args);
Status Argsort(ArgsortArgs& args);
Status Histogram(HistogramArgs& args);
Status Drawdown(DrawdownArgs& args);
Status MaxDrawdown(MaxDrawdownArgs& args);
Status KsTwoSample(KsTwoSampleArgs& args);
Status PopulationStability(PopulationStabilityArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_STATISTICS_REFERENCE_H_
