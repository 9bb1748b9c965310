// What kernels do at the bounds that random numbers hardly ever meet, with the answers where they are known.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/kernel_table.h"
#include "test/check.h"
#include "test/learning_testing.h"
#include "test/metal_testing.h"
#include "test/montecarlo_testing.h"

namespace nautilus {
namespace {

using test::On;
using Option = McOptionArgs;

// An option on a level that does not move.
struct Still : test::OptionCall {
  Still() {
    args.dtype = Dtype::kF32;
    args.paths = 300;
    args.steps = 3;
    args.volatility = args.rate = args.dividend = 0;
    args.payout = 10;
    args.rebate = 2;
  }
};

TEST("a digital option pays nothing where the level ends at the strike itself") {
  for (const auto side : {Option::Side::kCall, Option::Side::kPut}) {
    Still call;
    call.args.payoff = Option::Payoff::kDigital;
    call.args.side = side;
    CHECK(On(Backend::kMetal, call.args) == Status::kOk && call.values[0] == 0, "%g", call.values[0]);
    CHECK(On(Backend::kCpu, call.args) == Status::kOk && call.values[0] == 0, "%g", call.values[0]);
  }
}

TEST("a barrier that the level stands on at a date is crossed") {
  for (const auto kind : {Option::BarrierKind::kUpOut, Option::BarrierKind::kDownOut}) {
    Still call;
    call.args.payoff = Option::Payoff::kBarrier;
    call.args.barrier_kind = kind;
    call.args.monitoring = Option::Monitoring::kDiscrete;
    call.args.barrier = call.args.spot;
    call.args.strike = 90;
    CHECK(On(Backend::kMetal, call.args) == Status::kOk && call.values[0] == 2, "%g", call.values[0]);
    CHECK(On(Backend::kCpu, call.args) == Status::kOk && call.values[0] == 2, "%g", call.values[0]);
  }
}

TEST("a level below the range of floats is 0: a put is worth its strike") {
  Still call;
  call.args.side = Option::Side::kPut;
  call.args.volatility = 10;
  call.args.maturity = 8;
  CHECK(On(Backend::kMetal, call.args) == Status::kOk && std::abs(call.values[0] - 100) < 1e-4, "%g",
        call.values[0]);
}

TEST("prices of many more paths than threads have every path once") {
  // Levels that differ by hundreds: a sum that lacks one group of them, or has it twice, is seen.
  Still call;
  call.args.paths = (1 << 19) + 128;
  call.args.steps = 1;
  call.args.volatility = 1.5;
  call.args.strike = 1;
  CHECK(On(Backend::kMetal, call.args) == Status::kOk);
  const double found = call.values[0];
  CHECK(On(Backend::kCpu, call.args) == Status::kOk);
  CHECK(std::abs(found - call.values[0]) < 2e-6 * call.values[0], "%.9g %.9g", found, call.values[0]);
}

TEST("log returns beyond the range of floats lose what was there, and no more") {
  const double value = 1000;
  const double mean = -30;
  const double variance = 4e-4;
  std::vector<float> pnl(64);
  double risk[6];
  McPortfolioArgs args;
  args.dtype = Dtype::kF32;
  args.assets = 1;
  args.paths = 64;
  args.seed = 4;
  args.confidence = 0.9;
  args.horizon = 5;
  args.values = &value;
  args.means = &mean;
  args.covariance = &variance;
  args.log_returns = true;
  args.pnl = pnl.data();
  args.risk = risk;
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  for (const float each : pnl) CHECK(each == -1000, "%g", static_cast<double>(each));
}

// What a basket of two assets that do not move owes the level of each; equal ones, half of each.
std::vector<double> DeltasOf(Backend backend, McBasketArgs::Payoff payoff, double strike) {
  const double spots[] = {128, 128};
  const double weights[] = {0.5, 0.5};
  const double none[] = {0, 0};
  const double correlations[] = {1, 0, 0, 1};
  double value[2];
  std::vector<double> deltas(4, -777);
  McBasketArgs args;
  args.dtype = Dtype::kF32;
  args.payoff = payoff;
  args.assets = 2;
  args.paths = 64;
  args.steps = 1;
  args.strike = strike;
  args.rate = 0;
  args.maturity = 1;
  args.spots = spots;
  args.weights = weights;
  args.volatilities = none;
  args.dividends = none;
  args.correlations = correlations;
  args.value = value;
  args.deltas = deltas.data();
  CHECK(On(backend, args) == Status::kOk);
  return deltas;
}

TEST("of equal assets the first is the best and the worst, and at the strike nothing is owed") {
  using Payoff = McBasketArgs::Payoff;
  const std::vector<double> first = {0.5, 0, 0, 0};
  const std::vector<double> none = {0, 0, 0, 0};
  for (const Backend backend : {Backend::kMetal, Backend::kCpu}) {
    CHECK(DeltasOf(backend, Payoff::kBestOf, 40) == first);
    CHECK(DeltasOf(backend, Payoff::kWorstOf, 40) == first);
    CHECK(DeltasOf(backend, Payoff::kBasket, 128) == none);
  }
}

TEST("Philox counters keep all bits of the upper word") {
  PhiloxUint32Args args;
  args.dtype = Dtype::kF32;
  args.blocks = 9;
  args.first_block = (int64_t{5} << 32) - 4;
  std::vector<uint32_t> found(36), expected(36);
  args.out = found.data();
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  args.out = expected.data();
  CHECK(On(Backend::kCpu, args) == Status::kOk && found == expected);
}

TEST("the normals farthest out, of words near 0, are those of the CPU") {
  // With this seed these streams begin with the words 1, 6 and 32: one in tens of millions does.
  for (const uint32_t stream : {122556665U, 343958238U, 124224296U}) {
    NormalsArgs args;
    args.dtype = Dtype::kF32;
    args.paths = 1;
    args.dimensions = 2;
    args.seed = 20240607;
    args.stream = stream;
    float found[2];
    float expected[2];
    args.out = found;
    CHECK(On(Backend::kMetal, args) == Status::kOk);
    args.out = expected;
    CHECK(On(Backend::kCpu, args) == Status::kOk);
    CHECK(std::hypot(found[0], found[1]) > 6 &&
              test::Within(KernelId::kNormals, test::Worst(found, expected, 2), 6),
          "%g %g", static_cast<double>(found[0]), static_cast<double>(expected[0]));
  }
}

TEST("normals of Sobol points have nearly all digits of the CPU, wherever they are") {
  // Closer than the tolerance of the row: a term that lacks in a logarithm moves some of so many by more.
  SobolArgs args;
  args.dtype = Dtype::kF32;
  args.points = 4096;
  args.dimensions = 1;
  args.normal = true;
  std::vector<float> found(4096), expected(4096);
  args.out = found.data();
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  args.out = expected.data();
  CHECK(On(Backend::kCpu, args) == Status::kOk);
  const double worst = test::Worst(found.data(), expected.data(), found.size());
  CHECK(worst < 1e-6, "%g", worst);
}

TEST("products are added to what is there, with a beta of 1 and of others") {
  constexpr int64_t kSide = 40;
  const auto a = test::Normal<float>(kSide * kSide, 31);
  const auto b = test::Normal<float>(kSide * kSide, 32);
  const auto before = test::Normal<float>(kSide * kSide, 33);
  for (const double beta : {1.0, 2.0}) {
    std::vector<float> found = before;
    std::vector<float> expected = before;
    GemmArgs gemm{};
    gemm.dtype = Dtype::kF32;
    gemm.m = gemm.n = gemm.k = kSide;
    gemm.alpha = 0.5, gemm.beta = beta;
    gemm.a = a.data(), gemm.b = b.data();
    gemm.out = found.data();
    CHECK(On(Backend::kMetal, gemm) == Status::kOk);
    gemm.out = expected.data();
    CHECK(On(Backend::kCpu, gemm) == Status::kOk);
    CHECK(
        test::Within(KernelId::kGemm, test::Worst(found.data(), expected.data(), found.size()), 16 * kSide));
    found = expected = before;
    GemvArgs gemv{};
    gemv.dtype = Dtype::kF32;
    gemv.m = gemv.n = kSide;
    gemv.alpha = 0.5, gemv.beta = beta;
    gemv.a = a.data(), gemv.x = b.data();
    gemv.out = found.data();
    CHECK(On(Backend::kMetal, gemv) == Status::kOk);
    gemv.out = expected.data();
    CHECK(On(Backend::kCpu, gemv) == Status::kOk);
    CHECK(
        test::Within(KernelId::kGemv, test::Worst(found.data(), expected.data(), found.size()), 16 * kSide));
  }
}

TEST("histograms that no group has room for have the bits of the CPU, of more features than a piece has") {
  const test::TreeData<float> data({300, 20, 9, 128}, 3);
  const auto on = [](Backend backend) {
    return [backend](TreeHistogramsArgs& args) { return On(backend, args); };
  };
  const auto found = test::HistogramsOf<float>(on(Backend::kMetal), data.args, 1);
  const auto expected = test::HistogramsOf<float>(on(Backend::kCpu), data.args, 0);
  CHECK(!expected.counts.empty() && found == expected);
}

}  // namespace
}  // namespace nautilus
