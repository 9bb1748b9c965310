// The border of each kernel: JavaScript arguments to a plain struct, the run on or off the JavaScript thread.
#include "addon/kernels.h"

#include <string>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "core/kernel_table.h"

namespace nautilus::addon {
namespace {

using Arrays = std::vector<ArrayView>;

// Arguments in order: backend, m, n, k, a, b, out, transposeA, transposeB, alpha, beta.
GemmArgs ReadArguments(const Napi::CallbackInfo& info, const GemmArgs*, Arrays& arrays) {
  const int64_t m = ReadDimension(info[1], "m", 0);
  const int64_t n = ReadDimension(info[2], "n", 0);
  const int64_t k = ReadDimension(info[3], "k", 0);
  const ArrayView a = ReadArray(info[4], "a", m * k);
  const ArrayView b = ReadArray(info[5], "b", k * n);
  const ArrayView out = ReadArray(info[6], "out", m * n);
  RequireSameDtype(a, b, "a and b");
  RequireSameDtype(a, out, "a and out");
  RequireNoOverlap(a, out, "a and out");
  RequireNoOverlap(b, out, "b and out");
  arrays = {a, b, out};
  return {.dtype = a.dtype,
          .transpose_a = ReadFlag(info[7], "transA"),
          .transpose_b = ReadFlag(info[8], "transB"),
          .m = m,
          .n = n,
          .k = k,
          .alpha = ReadFinite(info[9], "alpha"),
          .beta = ReadFinite(info[10], "beta"),
          .a = a.data,
          .b = b.data,
          .out = out.data};
}

// Arguments in order: backend, bars, series, period, close, out.
RsiArgs ReadArguments(const Napi::CallbackInfo& info, const RsiArgs*, Arrays& arrays) {
  const int64_t bars = ReadDimension(info[1], "bars", 0);
  const int64_t series = ReadDimension(info[2], "series", 0);
  const int64_t period = ReadDimension(info[3], "period", 1);
  const ArrayView close = ReadArray(info[4], "close", bars * series);
  const ArrayView out = ReadArray(info[5], "out", bars * series);
  RequireSameDtype(close, out, "close and out");
  RequireNoOverlap(close, out, "close and out");
  arrays = {close, out};
  return {.dtype = close.dtype,
          .bars = bars,
          .series = series,
          .period = period,
          .close = close.data,
          .out = out.data};
}

// Arguments in order: backend, n, nrhs, a, b, x.
SolveSpdArgs ReadArguments(const Napi::CallbackInfo& info, const SolveSpdArgs*, Arrays& arrays) {
  const int64_t n = ReadDimension(info[1], "n", 0);
  const int64_t columns = ReadDimension(info[2], "nrhs", 0);
  const ArrayView a = ReadArray(info[3], "a", n * n);
  const ArrayView b = ReadArray(info[4], "b", n * columns);
  const ArrayView x = ReadArray(info[5], "x", n * columns);
  RequireSameDtype(a, b, "a and b");
  RequireSameDtype(a, x, "a and x");
  RequireNoOverlap(a, x, "a and x");
  RequireNoOverlap(b, x, "b and x");
  arrays = {a, b, x};
  return {.dtype = a.dtype, .n = n, .right_hand_sides = columns, .a = a.data, .b = b.data, .x = x.data};
}

template <class Args>
Backend Choose(const Args& args, Backend asked) {
  const KernelRow& row = KernelTable()[static_cast<size_t>(IdOf(args))];
  if ((row.dtypes & static_cast<unsigned>(args.dtype)) == 0) {
    throw BorderError(Status::kInvalidOption,
                      std::string("Expected an element type that ") + row.id + " has");
  }
  const Choice choice = Pick(row, args.dtype, args.Elements(), asked);
  if (choice.status != Status::kOk) {
    const std::string why = row.has_metal ? "Metal has no double precision" : Metal().reason;
    throw BorderError(choice.status,
                      std::string("Expected a backend that runs ") + row.id + ", was metal: " + why);
  }
  return choice.backend;
}

template <class Args>
std::string Explain(Status, const Args& args) {
  return std::string("kernel ") + KernelTable()[static_cast<size_t>(IdOf(args))].id + " failed";
}

std::string Explain(Status status, const SolveSpdArgs& args) {
  if (status == Status::kNonFinite) return "Expected finite numbers for a and b, was NaN or infinity";
  if (status == Status::kNotPositiveDefinite) {
    return "Expected a positive-definite matrix for a, was not: leading minor of order " +
           std::to_string(args.leading_minor);
  }
  return "Cholesky factorization refused its arguments";
}

// No C++ exception may cross the border: the runtime would abort the process.
template <class Body>
Napi::Value Guarded(const Napi::CallbackInfo& info, Body body) {
  try {
    return body();
  } catch (const BorderError& error) {
    throw MakeError(info.Env(), error.status(), error.what());
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    throw MakeError(info.Env(), Status::kInvariant, error.what());
  }
}

template <class Args>
Napi::Value RunNow(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Arrays arrays;
    const Backend asked = ReadBackend(info[0]);
    Args args = ReadArguments(info, static_cast<const Args*>(nullptr), arrays);
    const Backend chosen = Choose(args, asked);
    const Status status = Run(chosen, args);
    if (status != Status::kOk) throw BorderError(status, Explain(status, args));
    return Napi::Number::New(info.Env(), static_cast<double>(chosen));
  });
}

// Runs one kernel off the JavaScript thread. Holds a reference to every array until the promise settles.
template <class Args>
class KernelWorker : public Napi::AsyncWorker {
 public:
  KernelWorker(Napi::Env env, const Args& args, Backend backend, const Arrays& arrays)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), args_(args), backend_(backend) {
    references_.reserve(arrays.size());
    for (const ArrayView& view : arrays) references_.push_back(Napi::Persistent(view.array));
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { status_ = Run(backend_, args_); }

  void OnOK() override {
    if (status_ == Status::kOk) {
      deferred_.Resolve(Napi::Number::New(Env(), static_cast<double>(backend_)));
    } else {
      deferred_.Reject(MakeError(Env(), status_, Explain(status_, args_)).Value());
    }
  }

  // Reached when Execute throws, which means memory ran out.
  void OnError(const Napi::Error& error) override {
    deferred_.Reject(MakeError(Env(), Status::kInvariant, error.Message()).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  Args args_;
  Backend backend_;
  Status status_ = Status::kInvariant;
  std::vector<Napi::ObjectReference> references_;
};

template <class Args>
Napi::Value RunLater(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Arrays arrays;
    const Backend asked = ReadBackend(info[0]);
    const Args args = ReadArguments(info, static_cast<const Args*>(nullptr), arrays);
    auto* worker = new KernelWorker<Args>(info.Env(), args, Choose(args, asked), arrays);
    const Napi::Promise promise = worker->promise();
    worker->Queue();  // the worker deletes itself after it settles
    return promise;
  });
}

template <class Args>
void ExportKernel(Napi::Env env, Napi::Object exports, const std::string& name) {
  exports.Set(name, Napi::Function::New(env, RunNow<Args>, name));
  exports.Set(name + "Async", Napi::Function::New(env, RunLater<Args>, name + "Async"));
}

}  // namespace

void ExportKernels(Napi::Env env, Napi::Object exports) {
#define NAUTILUS_KERNEL(Name, id, ...) ExportKernel<Name##Args>(env, exports, id);
#include "core/kernel_table.def"
}

}  // namespace nautilus::addon
