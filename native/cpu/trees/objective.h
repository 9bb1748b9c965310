// Losses: where a fit begins, gradients, and the figure that tells how it goes.
#ifndef NAUTILUS_CPU_TREES_OBJECTIVE_H_
#define NAUTILUS_CPU_TREES_OBJECTIVE_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "core/trees.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {

// Returns the constant sum that all rows begin from, one for each class: the mean, for Huber the median, the
// quantile, or the link of the mean.
std::vector<double> BaseOf(const Rows& rows, const Options& options);

// Whether every hessian is 1, so that none is kept.
bool HasUnitHessians(const Rows& rows, const Options& options);

// Writes gradients (and hessians, unless they are all 1), [classes, rows] as `sums` is.
void FindGradients(const Rows& rows, const Options& options, const Team& team, const double* sums,
                   float* gradients, float* hessians);

// Returns the weighted mean of the loss over the rows: half the squared error, Huber's, the pinball, the
// deviance of Poisson without the part of the targets, the log-loss in nats.
double LossOf(const Rows& rows, const Options& options, const Team& team, const double* sums);

// Whether leaves take a quantile of their residuals instead of the step of Newton.
inline bool TakesQuantiles(const Options& options) { return options.objective == Objective::kQuantile; }

// Returns the weighted quantile: the smallest value that has at least this share of the weight at or below
// it.
double WeightedQuantile(std::vector<std::pair<double, double>>& values, double share);

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_OBJECTIVE_H_
