// The option kernel: closed forms, same bits for any number of threads, refusals.
#include <atomic>
#include <cmath>
#include <cstring>

#include "core/parallel.h"
#include "test/check.h"
#include "test/montecarlo_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using Args = McOptionArgs;
using test::OptionCall;

TEST("prices a European call as Black and Scholes do, with each generator, type and target") {
  test::OnEachTarget([](const char* target) {
    for (const auto generator :
         {Args::Generator::kPhilox10, Args::Generator::kPhilox7, Args::Generator::kSobol}) {
      for (const Dtype dtype : {Dtype::kF32, Dtype::kF64}) {
        for (const int64_t steps : {1, 2, 9}) {
          OptionCall call;
          call.args.generator = generator;
          call.args.dtype = dtype;
          call.args.steps = steps;
          CHECK(call.Run() == Status::kOk);
          const double off = std::abs(call.values[0] - test::BlackScholesCall(call.args));
          CHECK(off < 4 * call.errors[0] && call.errors[0] < 0.1, "%s %g %g", target, call.values[0],
                call.errors[0]);
        }
      }
    }
  });
}

TEST("gives the same bits for any number of threads") {
  const int before = KernelThreads();
  for (const auto generator : {Args::Generator::kPhilox10, Args::Generator::kSobol}) {
    double first[12];
    for (const int threads : {1, 2, 3, 8}) {
      SetKernelThreads(threads);
      OptionCall call;
      call.args.paths = 50'001;
      call.args.generator = generator;
      call.args.antithetic = true;
      call.args.greeks = true;
      call.args.control = Args::Control::kSpot;
      CHECK(call.Run() == Status::kOk);
      double all[12];
      std::memcpy(all, call.values, sizeof(call.values));
      std::memcpy(all + 6, call.errors, sizeof(call.errors));
      if (threads == 1) std::memcpy(first, all, sizeof(all));
      CHECK(std::memcmp(first, all, sizeof(all)) == 0, "%d threads", threads);
    }
  }
  SetKernelThreads(before);
}

TEST("refuses what does not fit together, with the reason's number") {
  const auto refused = [](auto change) {
    OptionCall call;
    change(call.args);
    return call.Run() == Status::kInvalidOption ? call.args.detail : -1;
  };
  CHECK(refused([](Args& a) { a.generator = Args::Generator::kSobol, a.steps = 1025; }) == 1);
  CHECK(refused([](Args& a) {
          a.process = Args::Process::kHeston;
          a.payoff = Args::Payoff::kBarrier;
          a.monitoring = Args::Monitoring::kContinuous;
        }) == 2);
  CHECK(refused([](Args& a) { a.control = Args::Control::kGeometric; }) == 3);
  CHECK(refused([](Args& a) { a.paths = 2147483647, a.steps = 65536; }) == 4);
  CHECK(refused([](Args& a) { a.process = Args::Process::kLocalVol; }) == 5);
  CHECK(refused([](Args& a) { a.process = Args::Process::kMerton, a.steps = 65536; }) == 7);
  CHECK(refused([](Args& a) { a.generator = Args::Generator::kSobol, a.paths = 63; }) == 8);
  CHECK(refused([](Args& a) { a.payoff = Args::Payoff::kBarrier; }) == 9);
  CHECK(refused([](Args& a) { a.process = Args::Process::kMerton, a.jump_rate = 1000, a.maturity = 2; }) ==
        10);
}

TEST("stops soon after it was cancelled") {
  const std::atomic<uint32_t> cancel{1};
  OptionCall call;
  call.args.paths = 2'000'000'000;
  call.args.steps = 1000;
  call.args.cancel = &cancel;
  CHECK(call.Run() == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
