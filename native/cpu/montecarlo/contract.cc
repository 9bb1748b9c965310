// Options as plain numbers: parameters to per-step constants, payoffs, control variates.
#include "cpu/montecarlo/contract.h"

#include <algorithm>
#include <cmath>

namespace nautilus::cpu {
namespace {

using Args = McOptionArgs;

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
  std::vector<double> thresholds;
  double probability = std::exp(-mean);
  double more = -std::expm1(-mean);  // P(jumps > i)
  for (int i = 0; more > 1e-18 && i < 10000; ++i) {
    thresholds.push_back(UpperQuantile(more));
    probability *= mean / (i + 1);
    more -= probability;
  }
  return thresholds;
}

double Call(double forward, double strike, double deviation) {
  if (deviation <= 0) return std::max(forward - strike, 0.0);
  if (strike <= 0) return forward - strike;
  const double d1 = std::log(forward / strike) / deviation + 0.5 * deviation;
  return forward * NormalCdf(d1) - strike * NormalCdf(d1 - deviation);
}

bool IsCall(const Args& args) { return args.side == Args::Side::kCall; }

// The loops below are plain so that the compiler vectorizes them.

template <typename T>
void AddVanilla(const Args& args, const T* level, int64_t count, double scale, double* out) {
  const double sign = IsCall(args) ? 1 : -1;
  for (int64_t i = 0; i < count; ++i) {
    const double inner = sign * (static_cast<double>(level[i]) - args.strike);
    out[i] += scale * (inner > 0 ? inner : 0);
  }
}

template <typename T>
void AddDifference(const T* level, const T* less, int64_t count, double scale, double* out) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] += scale * (static_cast<double>(level[i]) - static_cast<double>(less[i]));
  }
}

template <typename T>
void AddBarrier(const Args& args, const PathEnds<T>& ends, int64_t count, double scale, double* out) {
  using Kind = Args::BarrierKind;
  const bool up = args.barrier_kind == Kind::kUpOut || args.barrier_kind == Kind::kUpIn;
  const bool is_out = args.barrier_kind == Kind::kUpOut || args.barrier_kind == Kind::kDownOut;
  const bool discrete = args.monitoring == Args::Monitoring::kDiscrete;
  // The bridge sees only that both its ends are on one side, not on which.
  const bool crossed = up ? args.spot >= args.barrier : args.spot <= args.barrier;
  const double sign = IsCall(args) ? 1 : -1;
  for (int64_t i = 0; i < count; ++i) {
    double survival = crossed ? 0 : static_cast<double>(ends.survival[i]);
    if (discrete) survival = (up ? ends.high[i] < args.barrier : ends.low[i] > args.barrier) ? 1 : 0;
    const double lives = is_out ? survival : 1 - survival;
    const double inner = sign * (static_cast<double>(ends.spot[i]) - args.strike);
    out[i] += scale * (lives * (inner > 0 ? inner : 0) + (1 - lives) * args.rebate);
  }
}

}  // namespace

Process ProcessOf(const Args& args) { return static_cast<Process>(args.process); }

Watch WatchOf(const Args& args) {
  switch (args.payoff) {
    case Args::Payoff::kEuropean:
    case Args::Payoff::kDigital:
      return Watch::kEnd;
    case Args::Payoff::kAsian:
    case Args::Payoff::kAsianGeometric:
      return Watch::kMeans;
    case Args::Payoff::kBarrier:
      return args.monitoring == Args::Monitoring::kContinuous ? Watch::kCrossing : Watch::kExtremes;
    case Args::Payoff::kLookbackFixed:
    case Args::Payoff::kLookbackFloating:
      return Watch::kExtremes;
  }
  return Watch::kEnd;
}

PathModel ModelOf(const Args& args, const Shift& shift) {
  const double rate = args.rate + shift.rate;
  const double volatility = args.volatility + shift.volatility;
  PathModel model;
  model.process = ProcessOf(args);
  model.watch = WatchOf(args);
  model.steps = args.steps;
  model.base = args.spot;
  model.start = std::log1p(shift.spot);
  model.step_years = (args.maturity + shift.maturity) / static_cast<double>(args.steps);
  model.drift = (rate - args.dividend) * model.step_years;
  model.deviation = volatility * std::sqrt(model.step_years);
  model.barrier = args.barrier > 0 ? std::log(args.barrier / args.spot) : -1e30;
  switch (model.process) {
    case Process::kGbm:
      model.drift -= 0.5 * volatility * volatility * model.step_years;
      break;
    case Process::kMerton: {
      const double jump = std::expm1(args.jump_mean + 0.5 * args.jump_volatility * args.jump_volatility);
      model.drift -= (0.5 * volatility * volatility + args.jump_rate * jump) * model.step_years;
      model.jump_thresholds = JumpThresholds(args.jump_rate * model.step_years);
      model.jump_mean = args.jump_mean;
      model.jump_deviation = args.jump_volatility;
      break;
    }
    case Process::kHeston:
      model.start_variance = volatility * volatility;
      model.mean_reversion = args.mean_reversion;
      model.long_variance = args.long_variance;
      model.variance_volatility = args.variance_volatility;
      model.correlation = args.correlation;
      break;
    case Process::kLocalVol:
      model.grid_columns = args.grid_spots;
      model.grid_low = args.grid_low;
      model.grid_columns_per_log =
          static_cast<double>(args.grid_spots - 1) / (args.grid_high - args.grid_low);
      model.grid_shift = shift.volatility;
      break;
  }
  return model;
}

template <typename T>
void AddPayoffs(const Args& args, const PathEnds<T>& ends, int64_t count, double scale, double* out) {
  switch (args.payoff) {
    case Args::Payoff::kEuropean:
      return AddVanilla(args, ends.spot, count, scale, out);
    case Args::Payoff::kDigital:
      for (int64_t i = 0; i < count; ++i) {
        const auto level = static_cast<double>(ends.spot[i]);
        out[i] += (IsCall(args) ? level > args.strike : level < args.strike) ? scale * args.payout : 0;
      }
      return;
    case Args::Payoff::kAsian:
      return AddVanilla(args, ends.mean, count, scale, out);
    case Args::Payoff::kAsianGeometric:
      return AddVanilla(args, ends.geometric_mean, count, scale, out);
    case Args::Payoff::kBarrier:
      return AddBarrier(args, ends, count, scale, out);
    case Args::Payoff::kLookbackFixed:
      return AddVanilla(args, IsCall(args) ? ends.high : ends.low, count, scale, out);
    case Args::Payoff::kLookbackFloating:
      return IsCall(args) ? AddDifference(ends.spot, ends.low, count, scale, out)
                          : AddDifference(ends.high, ends.spot, count, scale, out);
  }
}

template <typename T>
void AddControls(const Args& args, const PathEnds<T>& ends, int64_t count, double scale, double* out) {
  if (args.control == Args::Control::kGeometric)
    return AddVanilla(args, ends.geometric_mean, count, scale, out);
  for (int64_t i = 0; i < count; ++i) out[i] += scale * static_cast<double>(ends.spot[i]);
}

template void AddPayoffs(const Args&, const PathEnds<float>&, int64_t, double, double*);
template void AddPayoffs(const Args&, const PathEnds<double>&, int64_t, double, double*);
template void AddControls(const Args&, const PathEnds<float>&, int64_t, double, double*);
template void AddControls(const Args&, const PathEnds<double>&, int64_t, double, double*);

double ControlMean(const Args& args, const Shift& shift) {
  const double years = args.maturity + shift.maturity;
  const double growth = args.rate + shift.rate - args.dividend;
  const double spot = args.spot * (1 + shift.spot);
  if (args.control == Args::Control::kNone) return 0;
  if (args.control == Args::Control::kSpot) return spot * std::exp(growth * years);
  // The mean of n even dates is lognormal: Kemna, Vorst 1990.
  const auto n = static_cast<double>(args.steps);
  const double volatility = args.volatility + shift.volatility;
  const double variance = volatility * volatility * years * (n + 1) * (2 * n + 1) / (6 * n * n);
  const double mean = (growth - 0.5 * volatility * volatility) * years * (n + 1) / (2 * n);
  const double forward = spot * std::exp(mean + 0.5 * variance);
  const double call = Call(forward, args.strike, std::sqrt(variance));
  return IsCall(args) ? call : call - forward + args.strike;
}

double DiscountOf(const Args& args, const Shift& shift) {
  return std::exp(-(args.rate + shift.rate) * (args.maturity + shift.maturity));
}

}  // namespace nautilus::cpu
