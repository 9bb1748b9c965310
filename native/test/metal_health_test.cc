// The circuit breaker of the Metal device, with a clock that the tests move.
#include "core/metal_health.h"

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "test/check.h"

namespace nautilus {
namespace {

using namespace std::chrono_literals;
using State = MetalHealth::State;

std::atomic<int64_t> seconds{1'000};

MetalHealth::Time Now() { return MetalHealth::Time(std::chrono::seconds(seconds)); }

// Calls the device and returns whether it was tried.
bool Call(MetalHealth& health, Status status) {
  MetalHealth::Call call(health);
  if (call.entered()) call.Leave(status);
  return call.entered();
}

void Break(MetalHealth& health) {
  for (int i = 0; i < 3; ++i) CHECK(Call(health, Status::kDeviceFailed));
}

TEST("a device is taken out after three failures in a row, and tried by one call after a while") {
  MetalHealth health(Now);
  CHECK(Call(health, Status::kDeviceFailed) && Call(health, Status::kDeviceFailed));
  CHECK(health.Describe().state == State::kClosed && health.Describe().failures == 2);
  CHECK(Call(health, Status::kOk));
  CHECK(health.Describe().failures == 0);
  Break(health);
  CHECK(health.Describe().state == State::kOpen && health.Describe().opened == 1);
  CHECK(health.Describe().retry_in == 5s);
  CHECK(!health.MayEnter() && !Call(health, Status::kOk));
  seconds += 4;
  CHECK(!Call(health, Status::kOk) && health.Describe().retry_in == 1s);
  seconds += 1;
  CHECK(health.MayEnter());
  {
    MetalHealth::Call trial(health);
    CHECK(trial.entered() && health.Describe().state == State::kHalfOpen);
    CHECK(!health.MayEnter() && !Call(health, Status::kOk), "a second trial");
    trial.Leave(Status::kOk);
  }
  CHECK(health.Describe().state == State::kClosed && health.Describe().failures == 0);
  CHECK(Call(health, Status::kOk));
}

TEST("each trial that fails doubles the wait up to its limit, and one that goes well forgets that") {
  MetalHealth health(Now);
  health.Configure(1, 10s, 35s);
  CHECK(Call(health, Status::kDeviceFailed));
  for (const int wait : {10, 20, 35, 35}) {
    CHECK(health.Describe().retry_in == std::chrono::seconds(wait), "%d", wait);
    seconds += wait;
    CHECK(Call(health, Status::kDeviceFailed), "%d", wait);
  }
  CHECK(health.Describe().opened == 1 && health.Describe().failures == 5);
  seconds += 35;
  CHECK(Call(health, Status::kOk));
  CHECK(Call(health, Status::kDeviceFailed) && health.Describe().retry_in == 10s);
  CHECK(health.Describe().opened == 2);
}

TEST(
    "calls that were cancelled or left out say nothing, and a trial among them gives its place to the next") {
  MetalHealth health(Now);
  CHECK(Call(health, Status::kDeviceFailed) && Call(health, Status::kDeviceFailed));
  CHECK(Call(health, Status::kCancelled) && Call(health, Status::kNoBackend));
  CHECK(health.Describe().failures == 2);
  CHECK(Call(health, Status::kDeviceFailed) && health.Describe().state == State::kOpen);
  seconds += 5;
  CHECK(Call(health, Status::kCancelled) && health.Describe().state == State::kOpen);
  { MetalHealth::Call thrown(health); }
  CHECK(health.MayEnter() && Call(health, Status::kOk));
  CHECK(health.Describe().state == State::kClosed);
}

TEST("calls that began before the device was taken out neither bring it back nor end the trial") {
  MetalHealth health(Now);
  MetalHealth::Call well(health);
  MetalHealth::Call ill(health);
  Break(health);
  seconds += 5;
  MetalHealth::Call trial(health);
  CHECK(trial.entered());
  well.Leave(Status::kOk);
  ill.Leave(Status::kDeviceFailed);
  CHECK(health.Describe().state == State::kHalfOpen);
  trial.Leave(Status::kDeviceFailed);
  CHECK(health.Describe().state == State::kOpen && health.Describe().retry_in == 10s);
}

TEST("keeps what the device said last") {
  MetalHealth health(Now);
  CHECK(health.Describe().last_error.empty());
  health.Note("lost");
  CHECK(health.Describe().last_error == "lost");
}

TEST("of many threads that come when the time has come, one tries the device") {
  MetalHealth health(Now);
  for (int round = 0; round < 50; ++round) {
    Break(health);
    seconds += 5;
    std::atomic<int> trials{0};
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        MetalHealth::Call call(health);
        trials += call.entered() ? 1 : 0;
        // Nobody leaves before all have come.
        ++ready;
        while (ready < 4) std::this_thread::yield();
        if (call.entered()) call.Leave(Status::kOk);
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(trials == 1, "%d", trials.load());
    CHECK(health.Describe().state == State::kClosed);
  }
}

}  // namespace
}  // namespace nautilus
