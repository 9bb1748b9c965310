// Promises of calls that run on the Metal device and hold no thread meanwhile.
#ifndef NAUTILUS_ADDON_SETTLING_H_
#define NAUTILUS_ADDON_SETTLING_H_

#include <napi.h>

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

#include "addon/arguments.h"
#include "core/metal_health.h"
#include "core/task.h"

namespace nautilus::addon {

// Whether the CPU has to do what ended so on the device.
constexpr bool IsForCpu(Status status) {
  return status == Status::kNoBackend || status == Status::kDeviceFailed;
}

// Returns what the caller hears of an exception that ended a call.
BorderError ErrorOf(const std::exception_ptr& error);

// One call on the device. Everything that its task refers to lives in it.
class PendingCall {
 public:
  PendingCall() : visit_(HealthOfMetal()) {}
  virtual ~PendingCall() = default;
  PendingCall(const PendingCall&) = delete;
  PendingCall& operator=(const PendingCall&) = delete;

  // Whether the device is in use; otherwise the CPU does the call.
  bool entered() const { return visit_.entered(); }

  // Makes the task; it runs on a thread of the device's host.
  virtual Task Begin() = 0;

  // Settles the promise, or hands the call on to the CPU when the status says that Metal could not do it. On
  // the JavaScript thread, once.
  virtual void Settle(Status status, std::exception_ptr error) = 0;

 private:
  friend class Settling;

  MetalHealth::Call visit_;
  Status status_ = Status::kInvariant;
  std::exception_ptr error_;
};

// The pending calls of one JavaScript thread. When that ends it waits for them: the device must not write
// into memory that is gone.
class Settling {
 public:
  // That of this thread; made on the first call.
  static Settling& Of(Napi::Env env);

  Settling(const Settling&) = delete;
  Settling& operator=(const Settling&) = delete;

  // Starts the call; it settles later.
  void Start(std::unique_ptr<PendingCall> call);

 private:
  explicit Settling(napi_env env);
  static void OnThread(napi_env env, napi_value, void* context, void* data);
  void End();

  napi_env env_;
  napi_threadsafe_function function_ = nullptr;
  uint64_t unsettled_ = 0;  // of the JavaScript thread alone; the process lives on while there are any
  std::mutex mutex_;
  std::condition_variable none_runs_;
  uint64_t running_ = 0;
};

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_SETTLING_H_
