// The kernels against the scalar reference: the same paths, every process, payoff, type and SIMD target.
#include <cmath>
#include <vector>

#include "cpu/montecarlo/reference.h"
#include "test/check.h"
#include "test/montecarlo_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using Args = McOptionArgs;
using test::OptionCall;

// A digital payoff of a path near the strike may go the other way in f32: one payout among the paths.
void Compare(OptionCall& call, const char* target, bool jumps) {
  CHECK(call.Run() == Status::kOk);
  const double fast[2] = {call.values[0], call.errors[0]};
  cpu::reference::McOption(call.args);
  const bool f64 = call.args.dtype == Dtype::kF64;
  const double tolerance = (f64 ? 1e-9 : 1e-4) * call.args.spot + (jumps && !f64 ? 30.0 / 300 : 0);
  CHECK(std::abs(fast[0] - call.values[0]) < tolerance && std::abs(fast[1] - call.errors[0]) < tolerance,
        "%s process %d payoff %d f64 %d: %.12g %.12g", target, static_cast<int>(call.args.process),
        static_cast<int>(call.args.payoff), f64, fast[0], call.values[0]);
}

TEST("options follow the paths of the scalar reference: processes x payoffs x sides x types x targets") {
  const std::vector<double> grid = {0.25, 0.2, 0.22, 0.3, 0.2, 0.18, 0.2, 0.25};
  test::OnEachTarget([&](const char* target) {
    for (int process = 0; process < 4; ++process) {
      for (int payoff = 0; payoff < 7; ++payoff) {
        for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
          OptionCall call;
          Args& a = call.args;
          a.process = static_cast<Args::Process>(process);
          a.payoff = static_cast<Args::Payoff>(payoff);
          a.dtype = dtype;
          a.side = payoff % 2 == 0 ? Args::Side::kCall : Args::Side::kPut;
          a.generator = process % 2 == 0 ? Args::Generator::kPhilox7 : Args::Generator::kPhilox10;
          a.paths = 300;  // not a whole number of tiles
          a.steps = 2 + payoff;
          a.payout = 10;
          a.barrier = 115;
          a.rebate = 2;
          a.grid_times = 2;
          a.grid_spots = 4;
          a.grid_low = -0.3;
          a.grid_high = 0.3;
          a.local_volatility = grid.data();
          a.antithetic = payoff == 2 || payoff == 5;
          Compare(call, target, payoff == 1 || payoff == 4);
        }
      }
    }
  });
}

TEST("barriers of every kind follow the reference, watched at dates and in between") {
  test::OnEachTarget([](const char* target) {
    for (int kind = 0; kind < 4; ++kind) {
      for (const auto monitoring : {Args::Monitoring::kDiscrete, Args::Monitoring::kContinuous}) {
        for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
          OptionCall call;
          call.args.payoff = Args::Payoff::kBarrier;
          call.args.barrier_kind = static_cast<Args::BarrierKind>(kind);
          call.args.monitoring = monitoring;
          call.args.dtype = dtype;
          call.args.barrier = kind % 2 == 0 ? 120 : 85;
          call.args.rebate = 1;
          call.args.paths = 200;
          call.args.steps = 5;
          Compare(call, target, true);
        }
      }
    }
  });
}

TEST("wild Heston parameters stay with the reference: both branches of the scheme") {
  test::OnEachTarget([](const char* target) {
    for (const double xi : {0.01, 0.05, 0.5, 1.0, 2.0}) {
      for (const double rho : {-0.9, 0.0, 0.7}) {
        OptionCall call;
        call.args.dtype = rho == 0 ? Dtype::kF32 : Dtype::kF64;
        call.args.process = Args::Process::kHeston;
        call.args.variance_volatility = xi;
        call.args.correlation = rho;
        call.args.mean_reversion = 0.5;
        call.args.maturity = 3;
        call.args.paths = 200;
        call.args.steps = 12;
        Compare(call, target, false);
      }
    }
  });
}

TEST("jumps by the dozen stay with the reference") {
  test::OnEachTarget([](const char* target) {
    for (const double rate : {0.0, 0.3, 8.0, 200.0}) {
      OptionCall call;
      call.args.process = Args::Process::kMerton;
      call.args.jump_rate = rate;
      call.args.jump_mean = 0.002;
      call.args.jump_volatility = 0.01;
      call.args.paths = 300;
      call.args.steps = 3;
      Compare(call, target, false);
    }
  });
}

TEST("baskets follow the paths of the scalar reference") {
  const std::vector<double> spots = {90, 100, 115}, weights = {0.5, 0.3, 0.2},
                            volatilities = {0.2, 0.3, 0.15};
  const std::vector<double> correlations = {1, 0.5, -0.2, 0.5, 1, 0.1, -0.2, 0.1, 1};
  test::OnEachTarget([&](const char* target) {
    for (int payoff = 0; payoff < 4; ++payoff) {
      for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
        double value[2], plain[2];
        McBasketArgs a;
        a.dtype = dtype;
        a.assets = 3;
        a.payoff = static_cast<McBasketArgs::Payoff>(payoff);
        a.side = payoff % 2 == 0 ? McBasketArgs::Side::kCall : McBasketArgs::Side::kPut;
        a.average = payoff >= 2;
        a.paths = 150;
        a.steps = 3;
        a.seed = 9;
        a.strike = payoff >= 2 ? 30 : 100;
        a.rate = 0.02;
        a.maturity = 1.5;
        a.spots = spots.data();
        a.weights = weights.data();
        a.volatilities = volatilities.data();
        a.correlations = correlations.data();
        a.value = value;
        CHECK(cpu::McBasket(a) == Status::kOk);
        a.value = plain;
        cpu::reference::McBasket(a);
        const double tolerance = dtype == Dtype::kF64 ? 1e-9 : 1e-3;
        CHECK(std::abs(value[0] - plain[0]) < tolerance && std::abs(value[1] - plain[1]) < tolerance,
              "%s %d: %g %g", target, payoff, value[0], plain[0]);
      }
    }
  });
}

TEST("portfolios earn what the scalar reference earns, path by path") {
  const std::vector<double> values = {1000, -500, 700}, means = {0.001, 0, -0.001};
  const std::vector<double> covariance = {4e-4, 1e-4, 0, 1e-4, 9e-4, -2e-4, 0, -2e-4, 1e-4};
  test::OnEachTarget([&](const char* target) {
    for (int kind = 0; kind < 4; ++kind) {
      std::vector<double> pnl(333), plain(333);
      double risk[6];
      McPortfolioArgs a;
      a.assets = 3;
      a.paths = 333;
      a.seed = 4;
      a.copula = static_cast<McPortfolioArgs::Copula>(kind % 2);
      a.marginals = static_cast<McPortfolioArgs::Marginals>(kind / 2);
      a.degrees = 3.5;
      a.log_returns = kind == 1;
      a.confidence = 0.9;
      a.horizon = 5;
      a.values = values.data();
      a.means = means.data();
      a.covariance = covariance.data();
      a.pnl = pnl.data();
      a.risk = risk;
      CHECK(cpu::McPortfolio(a) == Status::kOk);
      a.pnl = plain.data();
      cpu::reference::McPortfolio(a);
      for (size_t i = 0; i < pnl.size(); ++i) {
        CHECK(std::abs(pnl[i] - plain[i]) < 2200 * 1e-9, "%s %d: %g %g", target, kind, pnl[i], plain[i]);
      }
    }
  });
}

}  // namespace
}  // namespace nautilus
