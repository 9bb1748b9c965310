// Options simulated on the GPU against the CPU in f32: the paths are the same, so that prices, Greeks and
// their errors agree far within the tolerance of the kernel table.
#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "metal/host/device.h"
#include "test/metal_testing.h"
#include "test/montecarlo_testing.h"

namespace nautilus {
namespace {

using Args = McOptionArgs;
using metal::Device;
using test::OptionCall;

const std::vector<double> kGrid = {0.25, 0.2, 0.22, 0.3, 0.2, 0.18, 0.2, 0.25};

// A call in f32 whose every option says something.
struct Call : OptionCall {
  explicit Call(int process = 0, int payoff = 0) {
    args.dtype = Dtype::kF32;
    args.process = static_cast<Args::Process>(process);
    args.payoff = static_cast<Args::Payoff>(payoff);
    args.paths = 300;
    args.steps = 3;
    args.payout = 10;
    args.barrier = 115;
    args.rebate = 2;
    args.grid_times = 2;
    args.grid_spots = 4;
    args.grid_low = -0.3;
    args.grid_high = 0.3;
    args.local_volatility = kGrid.data();
  }
};

// What the figures are relative to: money is to the spot, a Greek is money by the width of its difference.
constexpr double kWidths[] = {1, 2, 2, 0.01, 0.001, 2.0 / 365};

// Differences of all figures and errors, in the scale of the figures. Leaves the CPU's results in the call.
double Compare(Call& call) {
  CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
  double values[6];
  double errors[6];
  std::copy_n(call.values, 6, values);
  std::copy_n(call.errors, 6, errors);
  CHECK(test::On(Backend::kCpu, call.args) == Status::kOk);
  double worst = 0;
  for (size_t i = 0; i < 6; ++i) {
    const double by = kWidths[i] / (i == 1 ? 1 : i == 2 ? 1 / call.args.spot : call.args.spot);
    worst = std::max({worst, by * test::Worst(values + i, call.values + i, 1),
                      by * test::Worst(errors + i, call.errors + i, 1)});
  }
  return worst;
}

double worst_of_all = 0;

void CheckSame(Call& call, const char* what) {
  // Without fused operations on the CPU, a path near a strike or a barrier may go the other way.
  const double worst = Compare(call);
  worst_of_all = std::max(worst_of_all, worst);
  CHECK(test::Within(KernelId::kMcOption, worst), "%s: process %d payoff %d: %g", what,
        static_cast<int>(call.args.process), static_cast<int>(call.args.payoff), worst);
}

TEST("options of every process and payoff, both sides, are the CPU's: plain, mirrored, with Greeks") {
  for (int process = 0; process < 4; ++process) {
    for (int payoff = 0; payoff < 7; ++payoff) {
      for (int form = 0; form < 4; ++form) {
        Call call(process, payoff);
        call.args.side = (payoff + form) % 2 == 0 ? Args::Side::kCall : Args::Side::kPut;
        call.args.generator = form % 2 == 0 ? Args::Generator::kPhilox7 : Args::Generator::kPhilox10;
        call.args.antithetic = form == 1 || form == 3;
        call.args.greeks = form >= 2;
        CheckSame(call, "plain");
      }
    }
  }
}

TEST("barriers of every kind are the CPU's, watched at dates and in between, crossed at once too") {
  for (const int process : {0, 3}) {
    for (int kind = 0; kind < 4; ++kind) {
      for (const auto monitoring : {Args::Monitoring::kDiscrete, Args::Monitoring::kContinuous}) {
        for (const double barrier : {kind % 2 == 0 ? 120.0 : 85.0, kind % 2 == 0 ? 99.0 : 101.0}) {
          Call call(process, 4);
          call.args.barrier_kind = static_cast<Args::BarrierKind>(kind);
          call.args.monitoring = monitoring;
          call.args.barrier = barrier;
          call.args.greeks = kind == 1;
          CheckSame(call, "barrier");
        }
      }
    }
  }
}

TEST("any number of paths and steps: single ones, ragged groups, more than a chunk of the CPU") {
  for (const int64_t paths : {2, 3, 31, 64, 65, 1000, 4097}) {
    for (const int64_t steps : {1, 2, 5}) {
      for (const int process : {0, 1, 2}) {
        Call call(process, 2);
        call.args.paths = paths;
        call.args.steps = steps;
        call.args.antithetic = steps == 5;
        CheckSame(call, "size");
      }
    }
  }
}

TEST("control variates take out of the error what they do on the CPU") {
  for (const auto control : {Args::Control::kSpot, Args::Control::kGeometric}) {
    for (const bool greeks : {false, true}) {
      Call call(0, 2);
      call.args.control = control;
      call.args.greeks = greeks;
      call.args.antithetic = greeks;
      CheckSame(call, "control");
    }
  }
  Call heston(2, 1);
  heston.args.control = Args::Control::kSpot;
  CheckSame(heston, "control");
}

TEST(
    "wild parameters: both branches of Heston's scheme, jumps by the dozen, no volatility, money of any "
    "size") {
  for (const double xi : {0.01, 0.5, 2.0}) {
    for (const double rho : {-0.9, 0.7}) {
      Call call(2, 0);
      call.args.variance_volatility = xi;
      call.args.correlation = rho;
      call.args.mean_reversion = 0.5;
      call.args.maturity = 3;
      call.args.steps = 12;
      CheckSame(call, "heston");
    }
  }
  for (const double rate : {0.0, 8.0, 200.0}) {
    Call call(1, 0);
    call.args.jump_rate = rate;
    call.args.jump_mean = 0.002;
    call.args.jump_volatility = 0.01;
    CheckSame(call, "jumps");
  }
  Call still(0, 0);
  still.args.volatility = 0;
  still.args.greeks = true;
  CheckSame(still, "still");
  for (const double money : {1e-25, 1e25}) {
    for (const int payoff : {0, 1, 4, 6}) {
      Call call(0, payoff);
      call.args.spot = call.args.strike = money;
      call.args.barrier = 1.15 * money;
      call.args.rebate = 0.02 * money;
      call.args.payout = 0.1 * money;
      call.args.greeks = true;
      CheckSame(call, "money");
    }
  }
  if (std::getenv("NAUTILUS_PARITY") != nullptr) std::printf("mc_option: %g\n", worst_of_all);
}

TEST("pieces of any length give the same bits, also after one that held the device for too long") {
  Call call(2, 5);
  call.args.paths = 1500;
  call.args.steps = 20;
  call.args.greeks = true;
  CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
  const std::vector<double> expected(call.values, call.values + 6);
  const std::vector<double> errors(call.errors, call.errors + 6);
  const auto same = [&] {
    return std::equal(expected.begin(), expected.end(), call.values) &&
           std::equal(errors.begin(), errors.end(), call.errors);
  };
  for (int round = 0; round < 6; ++round) {
    const test::ShortPieces pieces;
    CHECK(test::On(Backend::kMetal, call.args) == Status::kOk && same(), "round %d", round);
    CHECK(round < 5 || pieces.MoreThan(5));
  }
  if (!test::OnSoftDevice()) return;
  const test::ShortPieces slow;
  const std::string next = std::to_string(Device::Get().counts().commands + 2) + ":1";
  const uint64_t retries = Device::Get().counts().retries;
  const test::Setting fault("SWM_FAIL_BUFFER", next);
  CHECK(test::On(Backend::kMetal, call.args) == Status::kOk && same());
  CHECK(Device::Get().counts().retries == retries + 1);
}

TEST("paths for more than one turn of each thread are the CPU's, the last turn with few of them") {
  Call call;
  call.args.paths = (1 << 19) + 65;
  call.args.steps = 1;
  CheckSame(call, "turns");
}

TEST("a European call on the GPU is within four standard errors of Black and Scholes") {
  Call call;
  call.args.paths = 1 << 15;
  call.args.steps = 1;
  CHECK(test::On(Backend::kMetal, call.args) == Status::kOk);
  const double expected = test::BlackScholesCall(call.args);
  CHECK(std::abs(call.values[0] - expected) < 4 * call.errors[0], "%g %g", call.values[0], expected);
}

TEST(
    "what does not fit together is refused as on the CPU, Sobol points stay there, and a cancelled call "
    "ends") {
  Call refused(2, 4);
  refused.args.monitoring = Args::Monitoring::kContinuous;
  CHECK(test::On(Backend::kMetal, refused.args) == Status::kInvalidOption && refused.args.detail == 2);
  Call broken(3, 0);
  std::vector<double> grid = kGrid;
  grid[5] = -1;
  broken.args.local_volatility = grid.data();
  CHECK(test::On(Backend::kMetal, broken.args) == Status::kNonFinite && broken.args.detail == 5);
  Call sobol;
  sobol.args.generator = Args::Generator::kSobol;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, sobol.args) == Status::kOk && backend == Backend::kCpu);
  std::atomic<uint32_t> cancel{1};
  Call cancelled;
  cancelled.args.cancel = &cancel;
  CHECK(test::On(Backend::kMetal, cancelled.args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
