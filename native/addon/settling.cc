// From the device's thread to the JavaScript thread.
#include "addon/settling.h"

#include <map>
#include <new>

#include "core/metal_later.h"

namespace nautilus::addon {
namespace {

void Check(napi_status status, const char* what) {
  if (status != napi_ok) Napi::Error::Fatal("nautilus", what);
}

}  // namespace

BorderError ErrorOf(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    return BorderError(Status::kShape, "Expected sizes whose work fits in memory, was too large");
  } catch (const std::exception& thrown) {
    return BorderError(Status::kInvariant, thrown.what());
  } catch (...) {
    return BorderError(Status::kInvariant, "unknown exception");
  }
}

Settling& Settling::Of(Napi::Env env) {
  // One environment has one thread, and each has its own.
  static thread_local std::map<napi_env, Settling*> all;
  Settling*& found = all[env];
  if (found == nullptr) {
    found = new Settling(env);
    // Added after the function of the runtime, so that it comes before the end of that.
    env.AddCleanupHook([key = static_cast<napi_env>(env)] {
      all[key]->End();
      all.erase(key);
    });
  }
  return *found;
}

Settling::Settling(napi_env env) : env_(env) {
  const Napi::String name = Napi::String::New(env, "nautilus metal");
  Check(napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, OnThread,
                                        &function_),
        "no thread-safe function");
  Check(napi_unref_threadsafe_function(env, function_), "no thread-safe function");
}

void Settling::Start(std::unique_ptr<PendingCall> call) {
  if (unsettled_++ == 0) Check(napi_ref_threadsafe_function(env_, function_), "no reference");
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  PendingCall* const pending = call.release();
  LaterOfMetal().start(pending->Begin(), [this, pending](Status status, std::exception_ptr error) {
    pending->status_ = status;
    pending->error_ = error;
    pending->visit_.Leave(status);
    const std::lock_guard lock(mutex_);
    // A thread that ends takes no more calls: this one is never settled, and stays where it is.
    napi_call_threadsafe_function(function_, pending, napi_tsfn_nonblocking);
    if (--running_ == 0) none_runs_.notify_all();
  });
}

void Settling::OnThread(napi_env env, napi_value, void* context, void* data) {
  auto* const settling = static_cast<Settling*>(context);
  if (env == nullptr) return;  // the thread ends; what it referred to is gone already
  const Napi::HandleScope scope(env);
  const std::unique_ptr<PendingCall> call(static_cast<PendingCall*>(data));
  if (--settling->unsettled_ == 0) napi_unref_threadsafe_function(env, settling->function_);
  try {
    call->Settle(call->status_, call->error_);
  } catch (const Napi::Error&) {
    // The runtime takes nothing more from a Worker that ends; nobody waits for the promise either.
  }
}

void Settling::End() {
  std::unique_lock lock(mutex_);
  none_runs_.wait(lock, [this] { return running_ == 0; });
}

}  // namespace nautilus::addon
