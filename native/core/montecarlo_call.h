// What a simulation on another device is told: models in per-step constants, checked and prepared by the CPU
// kernels. The CPU kernel does all but the paths, and asks for their estimate. No Node, no SIMD.
#ifndef NAUTILUS_CORE_MONTECARLO_CALL_H_
#define NAUTILUS_CORE_MONTECARLO_CALL_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "core/estimate.h"
#include "core/generated/montecarlo_args.h"
#include "core/status.h"

namespace nautilus::cpu {

enum class Process : uint8_t { kGbm, kMerton, kHeston, kLocalVol };

// What is watched along a path, beside its end.
enum class Watch : uint8_t { kEnd, kMeans, kExtremes, kCrossing, kAll };

// Normals that one step of a process takes.
constexpr int64_t Factors(Process process) {
  return process == Process::kGbm || process == Process::kLocalVol ? 1 : process == Process::kHeston ? 2 : 3;
}

// One process with one set of parameters, as constants of a step. A path is log(level / base); see
// processes-inl.h.
struct PathModel {
  Process process = Process::kGbm;
  Watch watch = Watch::kEnd;
  int64_t steps = 1;
  double base = 1;   // level at log 0
  double start = 0;  // log at time 0
  double step_years = 0;
  double drift = 0;      // of the log in a step, without the variance of what is not constant
  double deviation = 0;  // of the log in a step
  double barrier = 0;    // log
  // Merton: a normal above the i-th threshold makes i + 1 jumps.
  std::vector<double> jump_thresholds;
  double jump_mean = 0;
  double jump_deviation = 0;
  // Heston.
  double start_variance = 0;
  double mean_reversion = 0;
  double long_variance = 0;
  double variance_volatility = 0;
  double correlation = 0;
  // Local volatility: [steps, columns] in the element type of the call, even in the log from `grid_low` on.
  const void* grid = nullptr;
  int64_t grid_columns = 0;
  double grid_low = 0;
  double grid_columns_per_log = 0;
  double grid_shift = 0;  // added to every volatility
};

// Constants of a step of Heston's variance and log; names as in HestonProcess.
struct HestonConstants {
  double decay;
  double mean_part;
  double spread_variance;
  double spread_mean;
  double
      k0_mean;  // without the martingale correction, for the rare step where its expectation does not exist
  double k1;
  double k2;
  double k3;
  double a;
  double plain;
};
HestonConstants HestonOf(const PathModel& model);

// An option ready to be simulated. A sample is worth known + the mean over its paths of discount (payoff -
// beta control), for each model; known = beta control_mean discount.
struct OptionPlan {
  const McOptionArgs& args;
  Watch watch;
  const std::vector<PathModel>&
      models;  // one; with Greeks then pairs for spot, volatility, rate and maturity
  const std::vector<double>& discounts;
  const std::vector<double>& control_means;
  double beta;
  const float* grid;  // [steps, columns], null without one
  int64_t samples;    // a mirrored pair is one
  // By what the figures are multiplied: row 0; row 1 - row 2; row 1 - 2 row 0 + row 2; row 3 - row 4; 5 - 6;
  // 7 - 8.
  double by[6];
};

// Checks and prepares an option in f32 with Philox paths, has `estimate` fill in means and squares of the
// figures, and writes the results. What `estimate` returns when it is not kOk is returned, and nothing
// written.
using EstimateOption = std::function<Status(const OptionPlan&, Estimate&)>;
Status McOptionBy(McOptionArgs& args, const EstimateOption& estimate);

// A basket ready to be simulated: its logs take drift + factor z in each step.
struct BasketPlan {
  const McBasketArgs& args;
  const float* drift;   // [assets]
  const float* factor;  // [assets, assets], lower
  double weight_sum;
  double discount;
  double control_mean;
  double beta;
  int64_t samples;
};

// The same of baskets; figures are the price and the deltas if wanted.
using EstimateBasket = std::function<Status(const BasketPlan&, Estimate&)>;
Status McBasketBy(McBasketArgs& args, const EstimateBasket& estimate);

// A portfolio with a normal copula and normal marginals: position i earns value (mean + deviation y), or
// expm1 of that, with y = factor z.
struct PortfolioPlan {
  const McPortfolioArgs& args;
  const float* factor;  // [assets, assets], lower
  const double* deviations;
  const double* means;
};

// The same of portfolios; the one figure is the profit, which is written to `args.pnl` path by path too.
using EstimatePortfolio = std::function<Status(const PortfolioPlan&, Estimate&)>;
Status McPortfolioBy(McPortfolioArgs& args, const EstimatePortfolio& estimate);

// What the dimensions of Sobol points are made of: direction numbers [dimension][32], the most significant
// bit first, and seeds of the scrambling.
struct SobolTables {
  std::vector<uint32_t> directions;
  std::vector<uint32_t> scrambles;
};
SobolTables SobolTablesOf(const SobolArgs& args);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_MONTECARLO_CALL_H_
