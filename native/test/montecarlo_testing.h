// What the tests of simulations share: a plain option call and closed forms.
#ifndef NAUTILUS_TEST_MONTECARLO_TESTING_H_
#define NAUTILUS_TEST_MONTECARLO_TESTING_H_

#include <cmath>
#include <cstdint>

#include "core/kernel_table.h"

namespace nautilus::test {

struct OptionCall {
  double values[6] = {};
  double errors[6] = {};
  McOptionArgs args;

  OptionCall() {
    args.dtype = Dtype::kF64;
    args.paths = 1 << 15;
    args.steps = 8;
    args.seed = 7;
    args.spot = args.strike = 100;
    args.rate = 0.05;
    args.dividend = 0.02;
    args.volatility = 0.2;
    args.maturity = 1;
    args.payout = 1;
    args.jump_rate = 0.5;
    args.jump_mean = -0.1;
    args.jump_volatility = 0.15;
    args.mean_reversion = 2;
    args.long_variance = 0.04;
    args.variance_volatility = 0.5;
    args.correlation = -0.7;
    args.grid_low = -1;
    args.grid_high = 1;
    args.values = values;
    args.errors = errors;
  }
  OptionCall(const OptionCall&) = delete;
  OptionCall& operator=(const OptionCall&) = delete;

  Status Run() { return cpu::McOption(args); }
};

inline double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// Black, Scholes 1973 with a dividend yield.
inline double BlackScholesCall(const McOptionArgs& a) {
  const double deviation = a.volatility * std::sqrt(a.maturity);
  const double forward = a.spot * std::exp((a.rate - a.dividend) * a.maturity);
  const double d1 = std::log(forward / a.strike) / deviation + deviation / 2;
  return std::exp(-a.rate * a.maturity) * (forward * NormalCdf(d1) - a.strike * NormalCdf(d1 - deviation));
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_MONTECARLO_TESTING_H_
