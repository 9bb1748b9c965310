// Takes a device that keeps failing out of use, and tries it again later.
#ifndef NAUTILUS_CORE_METAL_HEALTH_H_
#define NAUTILUS_CORE_METAL_HEALTH_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "core/status.h"

namespace nautilus {

// Counts failures in a row of one device. While it is closed calls go to the device. After `failures` of them
// it opens: calls go elsewhere at once. After `retry` one call, the trial, may try the device; its success
// closes it, its failure opens it again for twice as long, up to `max_retry`. Any thread; while it is closed
// and nothing fails, one relaxed load a call.
class MetalHealth {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::nanoseconds;

  enum class State : int { kClosed, kOpen, kHalfOpen };

  struct Report {
    State state;
    uint32_t failures;  // in a row
    uint64_t opened;    // how often the device was taken out
    Duration retry_in;  // until the next trial; 0 when there is none to wait for
    std::string last_error;
  };

  // `now` tells the time; another one is for tests.
  explicit MetalHealth(Time (*now)() = std::chrono::steady_clock::now) : now_(now) {}

  // Sets from how many failures in a row on it opens, at least 1, and for how long; `max_retry` is at least
  // `retry`. Holds from the next failure on.
  void Configure(uint32_t failures, Duration retry, Duration max_retry);

  // Returns whether a call may try the device now, without taking the trial.
  bool MayEnter() const;

  // Keeps what the device said when it failed; the failure itself counts once its call leaves.
  void Note(const std::string& error);

  Report Describe() const;

  // One call to the device. Leaves without a say when it goes without Leave(): a trial may then follow at
  // once.
  class Call {
   public:
    explicit Call(MetalHealth& health);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    // Whether the device may be used.
    bool entered() const { return entered_; }

    // Says how the call ended: kOk is a success, kDeviceFailed a failure, anything else neither.
    void Leave(Status status);

   private:
    MetalHealth& health_;
    bool entered_;
    bool trial_;
  };

 private:
  // Returns whether the call may enter; sets `trial` when it is the one that tries.
  bool Enter(bool& trial);
  void Succeed(bool trial);
  void Fail(bool trial);
  void GiveUpTrial();

  Time (*now_)();
  std::atomic<State> state_{State::kClosed};
  std::atomic<uint32_t> failures_{0};
  std::atomic<Time::rep> retry_at_{0};  // since the clock's epoch
  mutable std::mutex mutex_;            // of what follows, and of every change above
  uint32_t limit_ = 3;
  Duration retry_ = std::chrono::seconds(5);
  Duration max_retry_ = std::chrono::minutes(5);
  Duration wait_{0};  // of the last opening
  uint64_t opened_ = 0;
  std::string last_error_;
};

// That of the one Metal device.
MetalHealth& HealthOfMetal();

// Takes the device out of `auto`, and refuses calls that ask for it, until it is switched on again; on at the
// start.
void SwitchMetal(bool on);

// Takes the device out for good, for this reason: a string that lives for ever. A signal handler may call it.
void ForbidMetal(const char* reason);

// Returns why the device is out; null when it is in.
const char* WhyMetalIsOut();

}  // namespace nautilus

#endif  // NAUTILUS_CORE_METAL_HEALTH_H_
