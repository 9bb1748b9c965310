// The circuit breaker of the Metal device.
#include "core/metal_health.h"

#include <algorithm>

namespace nautilus {

void MetalHealth::Configure(uint32_t failures, Duration retry, Duration max_retry) {
  const std::lock_guard lock(mutex_);
  limit_ = failures;
  retry_ = retry;
  max_retry_ = max_retry;
}

bool MetalHealth::MayEnter() const {
  const State state = state_.load(std::memory_order_relaxed);
  if (state == State::kClosed) return true;
  if (state == State::kHalfOpen) return false;
  return now_().time_since_epoch().count() >= retry_at_.load(std::memory_order_relaxed);
}

bool MetalHealth::Enter(bool& trial) {
  trial = false;
  if (state_.load(std::memory_order_relaxed) == State::kClosed) return true;
  const std::lock_guard lock(mutex_);
  // Another call may have closed it, or taken the trial, meanwhile.
  if (state_ == State::kClosed) return true;
  if (!MayEnter()) return false;
  state_ = State::kHalfOpen;
  trial = true;
  return true;
}

void MetalHealth::Succeed(bool trial) {
  if (!trial && failures_.load(std::memory_order_relaxed) == 0) return;
  const std::lock_guard lock(mutex_);
  // One that began before the device was taken out says nothing about it now.
  if (!trial && state_ != State::kClosed) return;
  failures_ = 0;
  wait_ = Duration(0);
  state_ = State::kClosed;
}

void MetalHealth::Fail(bool trial) {
  const std::lock_guard lock(mutex_);
  ++failures_;
  // Calls that were under way when it opened add nothing but their count.
  if (!trial && state_ != State::kClosed) return;
  if (!trial) {
    if (failures_ < limit_) return;
    ++opened_;
    wait_ = retry_;
  } else {
    wait_ = std::min(2 * wait_, max_retry_);
  }
  retry_at_ = (now_() + wait_).time_since_epoch().count();
  state_ = State::kOpen;
}

void MetalHealth::GiveUpTrial() {
  const std::lock_guard lock(mutex_);
  state_ = State::kOpen;
}

void MetalHealth::Note(const std::string& error) {
  const std::lock_guard lock(mutex_);
  last_error_ = error;
}

MetalHealth::Report MetalHealth::Describe() const {
  const std::lock_guard lock(mutex_);
  const State state = state_;
  const Duration left = Time(Time::duration(retry_at_)) - now_();
  return {.state = state,
          .failures = failures_,
          .opened = opened_,
          .retry_in = state == State::kOpen ? std::max(left, Duration(0)) : Duration(0),
          .last_error = last_error_};
}

MetalHealth::Call::Call(MetalHealth& health) : health_(health), entered_(health.Enter(trial_)) {}

MetalHealth::Call::~Call() {
  if (trial_) health_.GiveUpTrial();
}

void MetalHealth::Call::Leave(Status status) {
  if (status == Status::kDeviceFailed) {
    health_.Fail(trial_);
  } else if (status == Status::kOk) {
    health_.Succeed(trial_);
  } else if (trial_) {
    health_.GiveUpTrial();
  }
  trial_ = false;
}

MetalHealth& HealthOfMetal() {
  static MetalHealth health;
  return health;
}

namespace {

std::atomic<bool> switched_on{true};
std::atomic<const char*> forbidden{nullptr};

}  // namespace

void SwitchMetal(bool on) { switched_on.store(on, std::memory_order_relaxed); }

void ForbidMetal(const char* reason) { forbidden.store(reason, std::memory_order_relaxed); }

const char* WhyMetalIsOut() {
  const char* const reason = forbidden.load(std::memory_order_relaxed);
  if (reason != nullptr) return reason;
  return switched_on.load(std::memory_order_relaxed) ? nullptr : "it is switched off at run time";
}

}  // namespace nautilus
