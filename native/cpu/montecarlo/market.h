// The underlying of an option as plain numbers, and its models in per-step constants.
#ifndef NAUTILUS_CPU_MONTECARLO_MARKET_H_
#define NAUTILUS_CPU_MONTECARLO_MARKET_H_

#include <cstdint>
#include <vector>

#include "core/status.h"
#include "cpu/montecarlo/paths.h"

namespace nautilus::cpu {

struct Market {
  Process process;
  int64_t steps;
  double spot;
  double rate;
  double dividend;
  double volatility;
  double maturity;
  double jump_rate;
  double jump_mean;
  double jump_volatility;
  double mean_reversion;
  double long_variance;
  double variance_volatility;
  double correlation;
  int64_t grid_times;
  int64_t grid_spots;
  double grid_low;
  double grid_high;
  const double* local_volatility;
};

// Returns what the arguments of any kernel on one underlying say about it.
template <class Args>
Market MarketOf(const Args& args) {
  return {.process = static_cast<Process>(args.process),
          .steps = args.steps,
          .spot = args.spot,
          .rate = args.rate,
          .dividend = args.dividend,
          .volatility = args.volatility,
          .maturity = args.maturity,
          .jump_rate = args.jump_rate,
          .jump_mean = args.jump_mean,
          .jump_volatility = args.jump_volatility,
          .mean_reversion = args.mean_reversion,
          .long_variance = args.long_variance,
          .variance_volatility = args.variance_volatility,
          .correlation = args.correlation,
          .grid_times = args.grid_times,
          .grid_spots = args.grid_spots,
          .grid_low = args.grid_low,
          .grid_high = args.grid_high,
          .local_volatility = args.local_volatility};
}

// A shift of the parameters, for Greeks by central differences.
struct Shift {
  double spot = 0;  // relative
  double volatility = 0;
  double rate = 0;
  double maturity = 0;  // years
};

// Refuses what cannot be simulated; `detail` becomes the reason's number, or the index of a bad volatility.
Status CheckMarket(const Market& market, int64_t paths, bool sobol, int64_t& detail);

// Returns the model of the underlying in steps; `grid` is not filled in.
PathModel ModelOf(const Market& market, Watch watch, const Shift& shift);

// Returns the volatility grid where each step begins, [steps, columns], linear between its rows; empty
// without one.
template <typename T>
std::vector<T> StepGrid(const Market& market);

// Returns the undiscounted price of a call on a lognormal level, whose log has the given deviation.
double LognormalCall(double forward, double strike, double deviation);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_MARKET_H_
