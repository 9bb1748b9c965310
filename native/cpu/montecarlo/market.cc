// Underlyings: refusals, parameters to per-step constants.
#include "cpu/montecarlo/market.h"

#include <algorithm>
#include <cmath>

#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu {
namespace {

constexpr int64_t kMaxGridCells = int64_t{1} << 24;
constexpr double kMaxJumps = 200;  // a step, on average

double NormalCdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

// Inverse of the upper tail, by bisection: used once for each threshold of jumps.
double UpperQuantile(double tail) {
  double low = -40;
  double high = 40;
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    (NormalCdf(-middle) > tail ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

// A normal above the i-th threshold means more than i jumps. Ends where a normal of ours cannot reach.
std::vector<double> JumpThresholds(double mean) {
  std::vector<double> probabilities = {std::exp(-mean)};
  while (static_cast<double>(probabilities.size()) < mean || probabilities.back() > 1e-20) {
    probabilities.push_back(probabilities.back() * mean / static_cast<double>(probabilities.size()));
  }
  // Summed from the far end, where a difference from 1 would be rounding only.
  std::vector<double> thresholds;
  double more = 0;
  for (size_t i = probabilities.size() - 1; i-- > 0;) {
    more += probabilities[i + 1];
    if (more > 1e-18) thresholds.push_back(UpperQuantile(more));
  }
  std::reverse(thresholds.begin(), thresholds.end());
  return thresholds;
}

}  // namespace

Status CheckMarket(const Market& market, int64_t paths, bool sobol, int64_t& detail) {
  const auto refuse = [&](int64_t reason) {
    detail = reason;
    return Status::kInvalidOption;
  };
  const int64_t dimensions = market.steps * Factors(market.process);
  if (sobol && dimensions > kSobolDimensions) return refuse(1);
  if (dimensions > kMaxDimensions) return refuse(7);
  if (static_cast<double>(paths) * static_cast<double>(dimensions) > kMaxNormals) return refuse(4);
  if (sobol && paths < 2 * kSobolCopies) return refuse(8);
  if (market.process == Process::kMerton &&
      market.jump_rate * market.maturity > kMaxJumps * static_cast<double>(market.steps)) {
    return refuse(10);
  }
  if (market.process != Process::kLocalVol) return Status::kOk;
  if (market.local_volatility == nullptr || market.grid_times < 1 || market.grid_spots < 2 ||
      market.grid_high <= market.grid_low) {
    return refuse(5);
  }
  if (market.steps * market.grid_spots > kMaxGridCells) return refuse(6);
  for (int64_t i = 0; i < market.grid_times * market.grid_spots; ++i) {
    if (market.local_volatility[i] >= 0 && std::isfinite(market.local_volatility[i])) continue;
    detail = i;
    return Status::kNonFinite;
  }
  return Status::kOk;
}

PathModel ModelOf(const Market& market, Watch watch, const Shift& shift) {
  const double rate = market.rate + shift.rate;
  const double volatility = market.volatility + shift.volatility;
  PathModel model;
  model.process = market.process;
  model.watch = watch;
  model.steps = market.steps;
  model.base = market.spot;
  model.start = std::log1p(shift.spot);
  model.step_years = (market.maturity + shift.maturity) / static_cast<double>(market.steps);
  model.drift = (rate - market.dividend) * model.step_years;
  model.deviation = volatility * std::sqrt(model.step_years);
  switch (model.process) {
    case Process::kGbm:
      model.drift -= 0.5 * volatility * volatility * model.step_years;
      break;
    case Process::kMerton: {
      const double jump =
          std::expm1(market.jump_mean + 0.5 * market.jump_volatility * market.jump_volatility);
      model.drift -= (0.5 * volatility * volatility + market.jump_rate * jump) * model.step_years;
      model.jump_thresholds = JumpThresholds(market.jump_rate * model.step_years);
      model.jump_mean = market.jump_mean;
      model.jump_deviation = market.jump_volatility;
      break;
    }
    case Process::kHeston:
      model.start_variance = volatility * volatility;
      model.mean_reversion = market.mean_reversion;
      model.long_variance = market.long_variance;
      model.variance_volatility = market.variance_volatility;
      model.correlation = market.correlation;
      break;
    case Process::kLocalVol:
      model.grid_columns = market.grid_spots;
      model.grid_low = market.grid_low;
      model.grid_columns_per_log =
          static_cast<double>(market.grid_spots - 1) / (market.grid_high - market.grid_low);
      model.grid_shift = shift.volatility;
      break;
  }
  return model;
}

HestonConstants HestonOf(const PathModel& m) {
  const double dt = m.step_years;
  const double e = std::exp(-m.mean_reversion * dt);
  const double xi2 = m.variance_volatility * m.variance_volatility;
  const double less = -std::expm1(-m.mean_reversion * dt);
  const double tilt = m.mean_reversion * m.correlation / m.variance_volatility - 0.5;
  const double c1 = 0.5 * dt * tilt - m.correlation / m.variance_volatility;
  const double c2 = 0.5 * dt * tilt + m.correlation / m.variance_volatility;
  const double c3 = 0.5 * dt * (1 - m.correlation * m.correlation);
  return {.decay = e,
          .mean_part = m.long_variance * less,
          .spread_variance = xi2 * e * less / m.mean_reversion,
          .spread_mean = 0.5 * m.long_variance * xi2 * less * less / m.mean_reversion,
          .k0_mean = -m.mean_reversion * m.correlation * m.long_variance * dt / m.variance_volatility,
          .k1 = c1,
          .k2 = c2,
          .k3 = c3,
          .a = c2 + 0.5 * c3,
          .plain = c1 + 0.5 * c3};
}

template <typename T>
std::vector<T> StepGrid(const Market& market) {
  if (market.process != Process::kLocalVol) return {};
  std::vector<T> grid(static_cast<size_t>(market.steps * market.grid_spots));
  for (int64_t step = 0; step < market.steps; ++step) {
    const double at = static_cast<double>(step) / static_cast<double>(market.steps) *
                      static_cast<double>(market.grid_times - 1);
    const auto row = static_cast<int64_t>(at);
    const double part = at - static_cast<double>(row);
    const double* low = market.local_volatility + row * market.grid_spots;
    const double* high =
        market.local_volatility + std::min(row + 1, market.grid_times - 1) * market.grid_spots;
    T* to = grid.data() + step * market.grid_spots;
    for (int64_t i = 0; i < market.grid_spots; ++i)
      to[i] = static_cast<T>(low[i] + (high[i] - low[i]) * part);
  }
  return grid;
}

template std::vector<float> StepGrid(const Market&);
template std::vector<double> StepGrid(const Market&);

double LognormalCall(double forward, double strike, double deviation) {
  if (deviation <= 0) return std::max(forward - strike, 0.0);
  if (strike <= 0) return forward - strike;
  const double d1 = std::log(forward / strike) / deviation + 0.5 * deviation;
  return forward * NormalCdf(d1) - strike * NormalCdf(d1 - deviation);
}

}  // namespace nautilus::cpu
