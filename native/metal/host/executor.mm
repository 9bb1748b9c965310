// The thread of the calls that wait for no one.
#import "metal/host/executor.h"

#import <Foundation/Foundation.h>

#include <thread>
#include <utility>

#include "core/placement.h"

namespace nautilus::metal {

Executor& Executor::Get() {
  // Never destroyed, as the device.
  static auto* const executor = [] {
    auto* made = new Executor();
    std::thread([made] { made->Loop(); }).detach();
    return made;
  }();
  return *executor;
}

void Executor::Start(Task task, Done done) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(task), std::move(done)});
  }
  wake_.notify_one();
}

void Executor::Post(Task::Handle waiting) {
  {
    const std::lock_guard lock(mutex_);
    ready_.push_back(waiting);
  }
  wake_.notify_one();
}

void Executor::Loop() {
  TakeUrgency();
  std::unique_lock lock(mutex_);
  while (true) {
    while (Step(lock)) {
    }
    wake_.wait(lock);
  }
}

bool Executor::Step(std::unique_lock<std::mutex>& lock) {
  if (!ready_.empty()) {
    const Task::Handle waiting = ready_.front();
    ready_.pop_front();
    lock.unlock();
    // One that goes on may be gone afterwards.
    const Task::Handle outermost = waiting.promise().outermost;
    @autoreleasepool {
      waiting.resume();
    }
    EndIfDone(outermost);
    lock.lock();
    return true;
  }
  if (waiting_.empty() || active_.size() >= kMostCalls) return false;
  Begin(lock);
  return true;
}

void Executor::Begin(std::unique_lock<std::mutex>& lock) {
  Call call = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  Task::Handle outermost;
  @autoreleasepool {
    outermost = call.task.Start();
  }
  active_.emplace(outermost.address(), std::move(call));
  EndIfDone(outermost);
  lock.lock();
}

void Executor::EndIfDone(Task::Handle outermost) {
  if (!outermost.done()) return;
  const auto place = active_.find(outermost.address());
  const Call call = std::move(place->second);
  active_.erase(place);
  Status status = Status::kInvariant;
  std::exception_ptr error;
  try {
    status = call.task.Take();
  } catch (...) {
    error = std::current_exception();
  } @
  autoreleasepool { call.done(status, error); }
}

}  // namespace nautilus::metal
