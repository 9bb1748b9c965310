// Options as plain numbers: payoffs and control variates.
#include "cpu/montecarlo/contract.h"

#include <algorithm>
#include <cmath>

namespace nautilus::cpu {
namespace {

using Args = McOptionArgs;

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
  const double call = LognormalCall(forward, args.strike, std::sqrt(variance));
  return IsCall(args) ? call : call - forward + args.strike;
}

double DiscountOf(const Args& args, const Shift& shift) {
  return std::exp(-(args.rate + shift.rate) * (args.maturity + shift.maturity));
}

}  // namespace nautilus::cpu
