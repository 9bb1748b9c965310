// An option as plain numbers: models of its underlying for given parameters, its payoff, its control variate.
// Shared by the kernel and its scalar reference.
#ifndef NAUTILUS_CPU_MONTECARLO_CONTRACT_H_
#define NAUTILUS_CPU_MONTECARLO_CONTRACT_H_

#include "core/generated/montecarlo_args.h"
#include "cpu/montecarlo/paths.h"

namespace nautilus::cpu {

// A shift of the parameters, for Greeks by central differences.
struct Shift {
  double spot = 0;  // relative
  double volatility = 0;
  double rate = 0;
  double maturity = 0;  // years
};

// What a payoff needs of one path, as levels.
struct PathSummary {
  double spot = 0;
  double mean = 0;
  double geometric_mean = 0;
  double high = 0;
  double low = 0;
  double survival = 1;
};

Process ProcessOf(const McOptionArgs& args);
// What has to be watched along the paths for the payoff and its control.
Watch WatchOf(const McOptionArgs& args);
// Returns the model of the underlying in steps; `grid` is not filled in.
PathModel ModelOf(const McOptionArgs& args, const Shift& shift);
// Returns the payoff of one path, not discounted.
double PayoffOf(const McOptionArgs& args, const PathSummary& path);
// Returns the control variate of one path, and its expectation, both not discounted.
double ControlOf(const McOptionArgs& args, const PathSummary& path);
double ControlMean(const McOptionArgs& args, const Shift& shift);
double DiscountOf(const McOptionArgs& args, const Shift& shift);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_CONTRACT_H_
