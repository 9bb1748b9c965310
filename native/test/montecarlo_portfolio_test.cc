// Baskets and portfolios against closed forms.
#include <cmath>
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/montecarlo/student.h"
#include "test/check.h"
#include "test/montecarlo_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

struct BasketCall {
  std::vector<double> spots, weights, volatilities, dividends, correlations;
  double value[2] = {};
  std::vector<double> deltas;
  McBasketArgs args;

  BasketCall(std::vector<double> spot, std::vector<double> weight, std::vector<double> volatility,
             double correlation)
      : spots(std::move(spot)),
        weights(std::move(weight)),
        volatilities(std::move(volatility)),
        dividends(spots.size(), 0.01),
        deltas(2 * spots.size()) {
    const size_t n = spots.size();
    for (size_t i = 0; i < n * n; ++i) correlations.push_back(i % (n + 1) == 0 ? 1 : correlation);
    args.dtype = Dtype::kF64;
    args.assets = static_cast<int64_t>(n);
    args.paths = 1 << 15;
    args.steps = 1;
    args.seed = 11;
    args.strike = 100;
    args.rate = 0.03;
    args.maturity = 2;
    args.spots = spots.data();
    args.weights = weights.data();
    args.volatilities = volatilities.data();
    args.dividends = dividends.data();
    args.correlations = correlations.data();
    args.value = value;
    args.deltas = deltas.data();
  }
  BasketCall(const BasketCall&) = delete;
  BasketCall& operator=(const BasketCall&) = delete;

  Status Run() { return cpu::McBasket(args); }
};

double BlackScholes(double spot, double strike, double rate, double dividend, double volatility,
                    double years) {
  McOptionArgs a;
  a.spot = spot;
  a.strike = strike;
  a.rate = rate;
  a.dividend = dividend;
  a.volatility = volatility;
  a.maturity = years;
  return test::BlackScholesCall(a);
}

TEST("a basket of one asset, or of assets that move as one, is a European option, with its delta") {
  test::OnEachTarget([](const char* target) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
      for (const int64_t steps : {1, 3}) {
        BasketCall one({100}, {1}, {0.2}, 1);
        one.args.dtype = dtype;
        one.args.steps = steps;
        CHECK(one.Run() == Status::kOk);
        const double want = BlackScholes(100, 100, 0.03, 0.01, 0.2, 2);
        CHECK(std::abs(one.value[0] - want) < 4 * one.value[1], "%s %g %g", target, one.value[0], want);
        const double delta =
            (BlackScholes(100.01, 100, 0.03, 0.01, 0.2, 2) - BlackScholes(99.99, 100, 0.03, 0.01, 0.2, 2)) /
            0.02;
        CHECK(std::abs(one.deltas[0] - delta) < 4 * one.deltas[1], "%s %g %g", target, one.deltas[0], delta);
        BasketCall same({40, 60, 20}, {1, 0.5, 1.5}, {0.2, 0.2, 0.2}, 1);
        same.args.dtype = dtype;
        same.args.antithetic = true;
        CHECK(same.Run() == Status::kOk);
        CHECK(std::abs(same.value[0] - want) < 4 * same.value[1], "%s %g %g", target, same.value[0], want);
      }
    }
  });
}

TEST("a geometric basket is lognormal, and controls the arithmetic one") {
  const double volatility = 0.3;
  const double correlation = 0.4;
  BasketCall call({90, 100, 120}, {0.5, 0.25, 0.25}, {volatility, volatility, volatility}, correlation);
  call.args.payoff = McBasketArgs::Payoff::kGeometric;
  call.args.generator = McBasketArgs::Generator::kSobol;
  CHECK(call.Run() == Status::kOk);
  // Variance of the weighted mean of logs; the forward's drift keeps half the assets' own variance.
  const double squares = 0.25 + 0.0625 + 0.0625;
  const double variance = volatility * volatility * (squares + correlation * (1 - squares));
  const double spot = std::exp(0.5 * std::log(90) + 0.25 * std::log(100) + 0.25 * std::log(120));
  const double yield = 0.01 + 0.5 * (volatility * volatility - variance);
  const double want = BlackScholes(spot, 100, 0.03, yield, std::sqrt(variance), 2);
  CHECK(std::abs(call.value[0] - want) < 4 * call.value[1] && call.value[1] < 0.02, "%g %g %g", call.value[0],
        want, call.value[1]);
  call.args.payoff = McBasketArgs::Payoff::kBasket;
  call.args.generator = McBasketArgs::Generator::kPhilox10;
  CHECK(call.Run() == Status::kOk);
  const double plain[2] = {call.value[0], call.value[1]};
  call.args.control = McBasketArgs::Control::kGeometric;
  CHECK(call.Run() == Status::kOk);
  CHECK(call.value[1] < plain[1] / 5 && std::abs(call.value[0] - plain[0]) < 4 * plain[1]);
}

TEST("deltas of a basket are slopes of its price over the same paths") {
  for (const auto payoff : {McBasketArgs::Payoff::kBasket, McBasketArgs::Payoff::kGeometric,
                            McBasketArgs::Payoff::kBestOf, McBasketArgs::Payoff::kWorstOf}) {
    for (const auto side : {McBasketArgs::Side::kCall, McBasketArgs::Side::kPut}) {
      const auto priced = [&](double shift, double* delta) {
        BasketCall call({100, 100}, {0.5, 0.5}, {0.2, 0.35}, 0.3);
        if (payoff == McBasketArgs::Payoff::kBestOf || payoff == McBasketArgs::Payoff::kWorstOf)
          call.weights = {1, 1};
        call.args.weights = call.weights.data();
        call.args.payoff = payoff;
        call.args.side = side;
        call.args.steps = 4;
        call.args.average = true;
        call.spots[1] += shift;
        CHECK(call.Run() == Status::kOk);
        if (delta != nullptr) *delta = call.deltas[1];
        return call.value[0];
      };
      double delta = 0;
      priced(0, &delta);
      const double slope = (priced(0.05, nullptr) - priced(-0.05, nullptr)) / 0.1;
      CHECK(std::abs(delta - slope) < 2e-3 && std::abs(delta) > 0.02, "%g %g", delta, slope);
    }
  }
}

TEST("a basket refuses correlations that are none, and says where") {
  BasketCall call({100, 100, 100}, {1, 1, 1}, {0.2, 0.2, 0.2}, -0.9);
  CHECK(call.Run() == Status::kNotPositiveDefinite && call.args.detail == 3);
  BasketCall other({100, -1}, {1, 1}, {0.2, 0.2}, 0);
  CHECK(other.Run() == Status::kNonFinite && other.args.detail == 1);
}

struct PortfolioCall {
  std::vector<double> values = {1000, -400, 250};
  std::vector<double> means = {0.001, 0, 0.002};
  std::vector<double> covariance = {0.0004, 0.0001, 0.00005, 0.0001, 0.0009, 0, 0.00005, 0, 0.0001};
  std::vector<double> pnl;
  double risk[6] = {};
  McPortfolioArgs args;

  explicit PortfolioCall(int64_t paths) : pnl(static_cast<size_t>(paths)) {
    args.dtype = Dtype::kF64;
    args.assets = 3;
    args.paths = paths;
    args.seed = 3;
    args.degrees = 4;
    args.confidence = 0.99;
    args.horizon = 1;
    args.values = values.data();
    args.means = means.data();
    args.covariance = covariance.data();
    args.pnl = pnl.data();
    args.risk = risk;
  }
  PortfolioCall(const PortfolioCall&) = delete;
  PortfolioCall& operator=(const PortfolioCall&) = delete;

  double Mean() const {
    return args.horizon * (values[0] * means[0] + values[1] * means[1] + values[2] * means[2]);
  }
  double Deviation() const {
    double variance = 0;
    for (int i = 0; i < 9; ++i)
      variance += values[static_cast<size_t>(i / 3)] * covariance[static_cast<size_t>(i)] *
                  values[static_cast<size_t>(i % 3)];
    return std::sqrt(args.horizon * variance);
  }
};

TEST("normal returns have the value at risk and the expected shortfall of a normal") {
  test::OnEachTarget([](const char* target) {
    for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
      PortfolioCall call(1 << 17);
      call.args.dtype = dtype;
      call.args.horizon = 10;
      CHECK(cpu::McPortfolio(call.args) == Status::kOk);
      const double z = 2.3263478740408408;
      const double at_risk = call.Deviation() * z - call.Mean();
      const double shortfall =
          call.Deviation() * std::exp(-z * z / 2) / std::sqrt(2 * M_PI) / 0.01 - call.Mean();
      CHECK(std::abs(call.risk[0] - at_risk) < 4 * call.risk[2], "%s %g %g", target, call.risk[0], at_risk);
      CHECK(std::abs(call.risk[1] - shortfall) < 4 * call.risk[3], "%s %g %g", target, call.risk[1],
            shortfall);
      CHECK(call.risk[2] < 0.03 * at_risk && call.risk[3] < 0.03 * shortfall);
      CHECK(std::abs(call.risk[5] / call.Deviation() - 1) < 0.01 && std::abs(call.risk[4] - call.Mean()) < 1);
    }
  });
}

TEST("Student returns on a Student copula have the tail of a Student") {
  PortfolioCall call(1 << 17);
  call.args.copula = McPortfolioArgs::Copula::kStudent;
  call.args.marginals = McPortfolioArgs::Marginals::kStudent;
  CHECK(cpu::McPortfolio(call.args) == Status::kOk);
  // t with 4 degrees at 99 %: quantile 3.746947, expected shortfall f(q) / 0.01 (4 + q^2) / 3 = 5.220552;
  // variance 2.
  const double scale = call.Deviation() / std::sqrt(2.0);
  CHECK(std::abs(call.risk[0] - (3.746947 * scale - call.Mean())) < 4 * call.risk[2], "%g", call.risk[0]);
  CHECK(std::abs(call.risk[1] - (5.220552 * scale - call.Mean())) < 4 * call.risk[3], "%g", call.risk[1]);
}

TEST("copula and marginals are apart: one asset has its marginal whatever the copula") {
  const auto var_of = [](McPortfolioArgs::Copula copula, McPortfolioArgs::Marginals marginals,
                         double& error) {
    PortfolioCall call(1 << 17);
    call.args.assets = 1;
    call.args.copula = copula;
    call.args.marginals = marginals;
    CHECK(cpu::McPortfolio(call.args) == Status::kOk);
    error = call.risk[2];
    return (call.risk[0] + 1) / 20;  // 1000 of deviation 0.02, mean 0.001
  };
  double error = 0;
  const double normal = var_of(McPortfolioArgs::Copula::kStudent, McPortfolioArgs::Marginals::kNormal, error);
  CHECK(std::abs(normal - 2.3263479) < 4 * error / 20, "%g", normal);
  const double student =
      var_of(McPortfolioArgs::Copula::kNormal, McPortfolioArgs::Marginals::kStudent, error);
  CHECK(std::abs(student - 3.746947 / std::sqrt(2.0)) < 4 * error / 20, "%g", student);
}

TEST("a Student copula makes normal returns fall together more often") {
  const auto both_of = [](McPortfolioArgs::Copula copula) {
    PortfolioCall call(1 << 16);
    call.values = {1, 1};
    call.covariance = {1, 0, 0, 1};
    call.args.means = nullptr;
    call.args.assets = 2;
    call.args.values = call.values.data();
    call.args.covariance = call.covariance.data();
    call.args.copula = copula;
    call.args.degrees = 3;
    call.args.confidence = 0.999;
    CHECK(cpu::McPortfolio(call.args) == Status::kOk);
    return call.risk[0];
  };
  CHECK(both_of(McPortfolioArgs::Copula::kStudent) > 1.1 * both_of(McPortfolioArgs::Copula::kNormal));
}

TEST("maps between Student and normal undo each other and keep probabilities") {
  for (const double degrees : {2.5, 4.0, 30.0}) {
    const cpu::StudentMap map(degrees);
    for (const double z : {-8.0, -3.0, -0.5, 0.01, 1.0, 2.5, 6.0, 8.5}) {
      const double t = map.StudentOfNormal(z);
      CHECK(std::abs(map.NormalOfStudent(t) - z) < 1e-7, "%g %g", degrees, z);
      const double tail = 0.5 * std::erfc(std::abs(z) / std::sqrt(2.0));
      CHECK(std::abs(cpu::StudentUpperTail(std::abs(t), degrees) / tail - 1) < 1e-5, "%g %g", degrees, z);
    }
  }
}

TEST("a portfolio has the same bits for any number of threads") {
  const int before = KernelThreads();
  PortfolioCall one(10'007), many(10'007);
  one.args.copula = many.args.copula = McPortfolioArgs::Copula::kStudent;
  SetKernelThreads(1);
  CHECK(cpu::McPortfolio(one.args) == Status::kOk);
  SetKernelThreads(5);
  CHECK(cpu::McPortfolio(many.args) == Status::kOk);
  SetKernelThreads(before);
  CHECK(one.pnl == many.pnl && std::memcmp(one.risk, many.risk, sizeof(one.risk)) == 0);
}

}  // namespace
}  // namespace nautilus
