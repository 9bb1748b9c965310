// Baskets and portfolios simulated on the GPU against the CPU in f32: the same paths, within the tolerance of
// the kernel table.
#include <string>
#include <vector>

#include "metal/host/device.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using metal::Device;

// A market of `n` assets that are alike but not the same.
struct Market {
  std::vector<double> spots, weights, volatilities, dividends, correlations;

  explicit Market(int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      spots.push_back(90 + 7 * static_cast<double>(i % 5));
      weights.push_back(1.0 / static_cast<double>(n + i));
      volatilities.push_back(0.15 + 0.03 * static_cast<double>(i % 4));
      dividends.push_back(0.01 * static_cast<double>(i % 3));
      for (int64_t j = 0; j < n; ++j) correlations.push_back(i == j ? 1 : 0.3);
    }
  }
};

struct Basket {
  Market market;
  double value[2] = {};
  std::vector<double> deltas;
  McBasketArgs args;

  explicit Basket(int64_t n) : market(n), deltas(static_cast<size_t>(2 * n)) {
    args.dtype = Dtype::kF32;
    args.assets = n;
    args.paths = 300;
    args.steps = 3;
    args.seed = 9;
    args.strike = 65;
    args.rate = 0.02;
    args.maturity = 1.5;
    args.spots = market.spots.data();
    args.weights = market.weights.data();
    args.volatilities = market.volatilities.data();
    args.dividends = market.dividends.data();
    args.correlations = market.correlations.data();
    args.value = value;
    args.deltas = deltas.data();
  }
  Basket(const Basket&) = delete;
  Basket& operator=(const Basket&) = delete;

  // The difference of prices and of deltas times spots, relative to the level.
  double Compare() {
    CHECK(test::On(Backend::kMetal, args) == Status::kOk);
    const double found[2] = {value[0], value[1]};
    const std::vector<double> slopes = deltas;
    CHECK(test::On(Backend::kCpu, args) == Status::kOk);
    double worst = test::Worst(found, value, 2) / 100;
    if (args.deltas != nullptr)
      worst = std::max(worst, test::Worst(slopes.data(), deltas.data(), slopes.size()));
    return worst;
  }
};

double worst_basket = 0;

void CheckSame(Basket& call, const char* what) {
  const double worst = call.Compare();
  worst_basket = std::max(worst_basket, worst);
  CHECK(test::Within(KernelId::kMcBasket, worst), "%s: payoff %d of %d assets: %g", what,
        static_cast<int>(call.args.payoff), static_cast<int>(call.args.assets), worst);
}

TEST(
    "baskets of every payoff are the CPU's: at the end or a mean, plain or mirrored, with deltas and "
    "without") {
  for (int payoff = 0; payoff < 4; ++payoff) {
    for (int form = 0; form < 8; ++form) {
      Basket call(3);
      call.args.payoff = static_cast<McBasketArgs::Payoff>(payoff);
      call.args.side = form % 2 == 0 ? McBasketArgs::Side::kCall : McBasketArgs::Side::kPut;
      call.args.strike = payoff >= 2 ? 30 : 65;
      call.args.average = (form & 2) != 0;
      call.args.antithetic = (form & 4) != 0;
      call.args.generator = form < 4 ? McBasketArgs::Generator::kPhilox10 : McBasketArgs::Generator::kPhilox7;
      if (form == 5) call.args.deltas = nullptr;
      CheckSame(call, "form");
    }
  }
}

TEST("baskets of any size are the CPU's: one asset, threadgroups of every width, ragged paths") {
  for (const int64_t assets : {1, 2, 9, 20, 40, 64}) {
    Basket call(assets);
    call.args.paths = assets == 2 ? 4097 : assets == 9 ? 31 : 70;
    call.args.steps = 2;
    call.args.average = assets == 64;
    CheckSame(call, "size");
  }
}

TEST("the geometric control of a basket is the CPU's") {
  for (const bool antithetic : {false, true}) {
    Basket call(4);
    call.args.control = McBasketArgs::Control::kGeometric;
    call.args.antithetic = antithetic;
    CheckSame(call, "control");
  }
  if (std::getenv("NAUTILUS_PARITY") != nullptr) std::printf("mc_basket: %g\n", worst_basket);
}

TEST("baskets that do not fit stay with the CPU or are refused as there") {
  Basket wide(130);
  wide.args.paths = 2;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, wide.args) == Status::kOk && backend == Backend::kCpu);
  Basket broken(3);
  broken.market.spots[1] = -1;
  CHECK(test::On(Backend::kMetal, broken.args) == Status::kNonFinite && broken.args.detail == 1);
  Basket torn(3);
  torn.market.correlations[3] = 2;
  CHECK(test::On(Backend::kMetal, torn.args) == Status::kNotPositiveDefinite && torn.args.detail == 2);
}

struct Portfolio {
  std::vector<double> values, means, covariance;
  std::vector<float> pnl;
  double risk[6] = {};
  McPortfolioArgs args;

  Portfolio(int64_t n, int64_t paths) : pnl(static_cast<size_t>(paths)) {
    for (int64_t i = 0; i < n; ++i) {
      values.push_back(i % 2 == 0 ? 1000 : -700);
      means.push_back(1e-4 * static_cast<double>(i % 3));
      for (int64_t j = 0; j < n; ++j) covariance.push_back(i == j ? 4e-4 : 1e-4);
    }
    args.dtype = Dtype::kF32;
    args.assets = n;
    args.paths = paths;
    args.seed = 4;
    args.confidence = 0.9;
    args.horizon = 5;
    args.values = values.data();
    args.means = means.data();
    args.covariance = covariance.data();
    args.pnl = pnl.data();
    args.risk = risk;
  }
  Portfolio(const Portfolio&) = delete;
  Portfolio& operator=(const Portfolio&) = delete;
};

double worst_portfolio = 0;

TEST("portfolios earn what they do on the CPU, path by path, and have its risk") {
  for (const int64_t assets : {1, 3, 33, 100}) {
    for (const int64_t paths : {2, 31, 1000}) {
      for (const bool log_returns : {false, true}) {
        Portfolio call(assets, paths);
        call.args.log_returns = log_returns;
        call.args.generator =
            log_returns ? McPortfolioArgs::Generator::kPhilox7 : McPortfolioArgs::Generator::kPhilox10;
        CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
        const std::vector<float> pnl = call.pnl;
        const std::vector<double> risk(call.risk, call.risk + 6);
        CHECK(test::On(Backend::kCpu, call.args) == Status::kOk);
        const double worst = std::max(test::Worst(pnl.data(), call.pnl.data(), pnl.size()),
                                      test::Worst(risk.data(), call.risk, 6)) /
                             (1000 * static_cast<double>(assets));
        worst_portfolio = std::max(worst_portfolio, worst);
        CHECK(test::Within(KernelId::kMcPortfolio, worst), "%d assets, %d paths: %g",
              static_cast<int>(assets), static_cast<int>(paths), worst);
      }
    }
  }
  if (std::getenv("NAUTILUS_PARITY") != nullptr) std::printf("mc_portfolio: %g\n", worst_portfolio);
}

TEST("log returns of any size earn what they do on the CPU, relative to the largest of them") {
  // Standard deviations of a path from a tenth of the usual one to 4: e^x - 1 of small and of large numbers.
  for (const double times : {0.01, 20.0, 500.0, 8000.0}) {
    Portfolio call(3, 1000);
    for (double& each : call.covariance) each *= times;
    call.args.log_returns = true;
    CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
    const std::vector<float> pnl = call.pnl;
    CHECK(test::On(Backend::kCpu, call.args) == Status::kOk);
    double largest = 0;
    for (const float each : call.pnl) largest = std::max(largest, std::abs(static_cast<double>(each)));
    const double worst = test::Worst(pnl.data(), call.pnl.data(), pnl.size()) / largest;
    CHECK(test::Within(KernelId::kMcPortfolio, worst), "%g times the usual variance: %g", times, worst);
  }
}

TEST("portfolios in many pieces have the same bits, and Student's t stays with the CPU") {
  Portfolio call(3, 5000);
  CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
  const std::vector<float> expected = call.pnl;
  const double mean = call.risk[4];
  {
    for (int round = 0; round < 6; ++round) {
      const test::ShortPieces pieces;
      CHECK(test::On(Backend::kMetal, call.args) == Status::kOk && call.pnl == expected &&
            call.risk[4] == mean);
      CHECK(round < 5 || pieces.MoreThan(5));
    }
  }
  Portfolio student(3, 100);
  student.args.copula = McPortfolioArgs::Copula::kStudent;
  student.args.degrees = 4;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, student.args) == Status::kOk && backend == Backend::kCpu);
}

}  // namespace
}  // namespace nautilus
