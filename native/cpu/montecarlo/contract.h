// An option as plain numbers: models of its underlying for given parameters, its payoff, its control variate.
// Shared by the kernel and its scalar reference.
#ifndef NAUTILUS_CPU_MONTECARLO_CONTRACT_H_
#define NAUTILUS_CPU_MONTECARLO_CONTRACT_H_

#include "core/generated/montecarlo_args.h"
#include "cpu/montecarlo/market.h"

namespace nautilus::cpu {

// What has to be watched along the paths for the payoff and its control.
Watch WatchOf(const McOptionArgs& args);
// Adds `scale` times the payoffs of the first `count` paths of a tile to `out`, not discounted; and those of
// the control.
template <typename T>
void AddPayoffs(const McOptionArgs& args, const PathEnds<T>& ends, int64_t count, double scale, double* out);
template <typename T>
void AddControls(const McOptionArgs& args, const PathEnds<T>& ends, int64_t count, double scale, double* out);
// Returns the expectation of the control variate, not discounted.
double ControlMean(const McOptionArgs& args, const Shift& shift);
double DiscountOf(const McOptionArgs& args, const Shift& shift);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_CONTRACT_H_
