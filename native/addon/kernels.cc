// Calls of kernels: one reader for all, one struct and one worker for each.
#include "addon/kernels.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/border.h"
#include "addon/borders.h"
#include "addon/settling.h"
#include "core/kernel_table.h"
#include "core/metal_later.h"
#include "core/placement.h"

namespace nautilus::addon {
namespace {

// What one JavaScript thread shares with the addon: the plain numbers of the next call, as memory that both
// see.
struct Instance {
  Napi::Reference<Napi::Float64Array> array;
  double* block;
};

// More is more than any threshold.
constexpr double kMostOperations = 9e18;

template <class Args>
const KernelRow& RowOf() {
  return KernelTable()[static_cast<size_t>(IdOf(static_cast<const Args*>(nullptr)))];
}

// Only where it may matter is the size of the call worked out.
template <class Args>
Backend Choose(const KernelRow& row, const Request& request) {
  int64_t size = 0;
  if (request.backend == Backend::kAuto && row.metal_from.load(std::memory_order_relaxed) > 0) {
    const double operations = Border<Args>::Operations(request);
    size =
        operations < kMostOperations ? static_cast<int64_t>(operations) : std::numeric_limits<int64_t>::max();
  }
  return ChooseBackend(row, request.dtype, size, request.backend);
}

template <class Args>
Napi::Value RunNow(const Napi::CallbackInfo& info, const double* block) {
  const KernelSpec& spec = Border<Args>::kSpec;
  const KernelRow& row = RowOf<Args>();
  const Request request = ReadCall(info, 1, block, row.id, spec);
  Backend chosen = Choose<Args>(row, request);
  Args args = Border<Args>::Read(request);
  const Status status = Run(chosen, args);
  if (status != Status::kOk) throw BorderError(status, Explain(row.id, spec, status, args.detail));
  return Napi::Number::New(info.Env(), static_cast<double>(chosen));
}

// A promise of a kernel, and all that the call refers to until it settles.
template <class Args>
struct Promised {
  Promised(const Napi::CallbackInfo& info, const Args& with, Backend on)
      : deferred(Napi::Promise::Deferred::New(info.Env())), args(with), backend(on) {
    for (size_t i = 1; i < info.Length(); ++i) {
      if (info[i].IsObject()) references.push_back(Napi::Persistent(info[i].As<Napi::Object>()));
    }
  }

  void Settle(Status status, bool out_of_memory) const {
    const Napi::Env env = deferred.Env();
    if (status == Status::kOk) return deferred.Resolve(Napi::Number::New(env, static_cast<double>(backend)));
    const BorderError error =
        out_of_memory
            ? BorderError(Status::kShape, "Expected sizes whose work fits in memory, was too large")
            : BorderError(status, Explain(RowOf<Args>().id, Border<Args>::kSpec, status, args.detail));
    deferred.Reject(error.ToError(env).Value());
  }

  Napi::Promise::Deferred deferred;
  Args args;
  Backend backend;
  std::vector<Napi::ObjectReference> references;
};

// Runs one kernel on a thread of its own, which waits where the kernel does.
template <class Args>
class KernelWorker : public Napi::AsyncWorker {
 public:
  explicit KernelWorker(std::unique_ptr<Promised<Args>> promised)
      : Napi::AsyncWorker(promised->deferred.Env()), promised_(std::move(promised)) {}

 protected:
  void Execute() override {
    TakeUrgency();
    try {
      status_ = Run(promised_->backend, promised_->args);
    } catch (const std::bad_alloc&) {
      status_ = Status::kShape;
      out_of_memory_ = true;
    }
  }

  void OnOK() override { promised_->Settle(status_, out_of_memory_); }

  void OnError(const Napi::Error& error) override {
    promised_->deferred.Reject(BorderError(Status::kInvariant, error.Message()).ToError(Env()).Value());
  }

 private:
  std::unique_ptr<Promised<Args>> promised_;
  Status status_ = Status::kInvariant;
  bool out_of_memory_ = false;
};

template <class Args>
void RunOnWorker(std::unique_ptr<Promised<Args>> promised) {
  auto* worker = new KernelWorker<Args>(std::move(promised));
  worker->Queue();  // the worker deletes itself after it settles
}

// Runs one kernel on the device without a thread.
template <class Args>
class KernelCall : public PendingCall {
 public:
  KernelCall(Task (*slot)(Args&), std::unique_ptr<Promised<Args>> promised)
      : slot_(slot), promised_(std::move(promised)) {}

  Task Begin() override { return slot_(promised_->args); }

  void Settle(Status status, std::exception_ptr error) override {
    if (error) return promised_->deferred.Reject(ErrorOf(error).ToError(promised_->deferred.Env()).Value());
    if (!IsForCpu(status)) return promised_->Settle(status, false);
    FallBack(promised_->backend);
    RunOnWorker(std::move(promised_));
  }

 private:
  Task (*slot_)(Args&);
  std::unique_ptr<Promised<Args>> promised_;
};

template <class Args>
Napi::Value RunLater(const Napi::CallbackInfo& info, const double* block) {
  const KernelRow& row = RowOf<Args>();
  const Request request = ReadCall(info, 2, block, row.id, Border<Args>::kSpec);
  const Backend chosen = Choose<Args>(row, request);
  Args args = Border<Args>::Read(request);
  args.cancel = ReadToken(info[1]);
  auto promised = std::make_unique<Promised<Args>>(info, args, chosen);
  const Napi::Promise promise = promised->deferred.Promise();
  const auto slot = chosen == Backend::kMetal ? LaterSlot(static_cast<const Args*>(nullptr)) : nullptr;
  if (slot == nullptr) {
    RunOnWorker(std::move(promised));
    return promise;
  }
  auto call = std::make_unique<KernelCall<Args>>(slot, std::move(promised));
  if (call->entered()) {
    Settling::Of(info.Env()).Start(std::move(call));
  } else {
    call->Settle(Status::kDeviceFailed, nullptr);
  }
  return promise;
}

using Runner = Napi::Value (*)(const Napi::CallbackInfo&, const double*);

constexpr Runner kRunNow[] = {
#define NAUTILUS_KERNEL(Name, ...) RunNow<Name##Args>,
#include "core/kernel_table.def"
};

constexpr Runner kRunLater[] = {
#define NAUTILUS_KERNEL(Name, ...) RunLater<Name##Args>,
#include "core/kernel_table.def"
};

template <size_t kCount>
Napi::Value Dispatch(const Napi::CallbackInfo& info, const Runner (&runners)[kCount]) {
  return Guarded(info, [&]() -> Napi::Value {
    double index = -1;
    if (napi_get_value_double(info.Env(), info[0], &index) != napi_ok || !(index >= 0 && index < kCount)) {
      Refuse(Status::kInvalidOption, "kernel", "the index of a kernel", "another value");
    }
    return runners[static_cast<size_t>(index)](info, static_cast<Instance*>(info.Data())->block);
  });
}

Napi::Value RunCall(const Napi::CallbackInfo& info) { return Dispatch(info, kRunNow); }
Napi::Value RunAsyncCall(const Napi::CallbackInfo& info) { return Dispatch(info, kRunLater); }

Napi::Value KernelIndex(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const std::string id = info[0].ToString().Utf8Value();
    for (size_t i = 0; i < KernelTable().size(); ++i) {
      if (id == KernelTable()[i].id) return Napi::Number::New(info.Env(), static_cast<double>(i));
    }
    Refuse(Status::kInvalidOption, "id", "a kernel of this build", id);
  });
}

}  // namespace

void ExportKernels(Napi::Env env, Napi::Object exports) {
  const Napi::Float64Array array = Napi::Float64Array::New(env, kBlock);
  // Asking for the buffer first gives the array its final address.
  double* const block =
      static_cast<double*>(array.ArrayBuffer().Data()) + array.ByteOffset() / sizeof(double);
  auto* instance = new Instance{Napi::Persistent(array), block};
  instance->array.SuppressDestruct();  // the environment is half gone when the hook runs
  env.AddCleanupHook([](Instance* gone) { delete gone; }, instance);
  exports.Set("block", array);
  exports.Set("run", Napi::Function::New(env, RunCall, "run", instance));
  exports.Set("runAsync", Napi::Function::New(env, RunAsyncCall, "runAsync", instance));
  exports.Set("kernelIndex", Napi::Function::New(env, KernelIndex, "kernelIndex"));
}

}  // namespace nautilus::addon
