// The border of the indicators. One call runs one indicator or several of them over the same rows; what it
// works on are arrays of the caller, checked each time, so nothing here outlives a call.
#include "addon/indicators.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "addon/arguments.h"
#include "addon/border.h"
#include "addon/indicator_work.h"
#include "addon/settling.h"
#include "core/kernel_table.h"
#include "core/metal_later.h"
#include "core/placement.h"

namespace nautilus::addon {
namespace {

using cpu::indicators::Column;
using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorRow;
using cpu::indicators::IndicatorTable;
using cpu::indicators::OptionSpec;
using cpu::indicators::StateLength;

BorderError Failure(Status status) {
  if (status == Status::kCancelled) {
    return BorderError(status, "Expected to finish the indicators, was cancelled");
  }
  return BorderError(status, "inputs", "finite numbers", "NaN or infinity");
}

Napi::Value IndicatorRun(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Work work = ReadWork(info);
    const Status status = work.RunParts(nullptr);
    if (status != Status::kOk) throw Failure(status);
    return Napi::Number::New(info.Env(), static_cast<double>(work.backend));
  });
}

// A promise of indicators, and all that the call refers to until it settles.
struct Promised {
  // `cancel` is the memory of `token`, null when that is undefined.
  Promised(Napi::Env env, Work with, const Napi::Value& token, CancelFlag flag)
      : deferred(Napi::Promise::Deferred::New(env)), work(std::move(with)), cancel(flag) {
    for (const Floats& floats : work.arrays) references.push_back(Napi::Persistent(floats.array));
    work.arrays.clear();
    if (cancel != nullptr) references.push_back(Napi::Persistent(token.As<Napi::Object>()));
  }

  void Settle(Status status) const {
    if (status == Status::kOk)
      return deferred.Resolve(Napi::Number::New(deferred.Env(), static_cast<double>(work.backend)));
    deferred.Reject(Failure(status).ToError(deferred.Env()).Value());
  }

  Napi::Promise::Deferred deferred;
  Work work;
  CancelFlag cancel;
  std::vector<Napi::ObjectReference> references;
};

// Runs on a thread of its own, which waits where an indicator does.
class IndicatorWorker : public Napi::AsyncWorker {
 public:
  explicit IndicatorWorker(std::unique_ptr<Promised> promised)
      : Napi::AsyncWorker(promised->deferred.Env()), promised_(std::move(promised)) {}

 protected:
  void Execute() override {
    TakeUrgency();
    status_ = promised_->work.RunParts(promised_->cancel);
  }

  void OnOK() override { promised_->Settle(status_); }

  void OnError(const Napi::Error& error) override {
    promised_->deferred.Reject(BorderError(Status::kInvariant, error.Message()).ToError(Env()).Value());
  }

 private:
  std::unique_ptr<Promised> promised_;
  Status status_ = Status::kInvariant;
};

void RunOnWorker(std::unique_ptr<Promised> promised) {
  auto* worker = new IndicatorWorker(std::move(promised));
  worker->Queue();  // the worker deletes itself after it settles
}

// Runs on the device without a thread, one indicator after the other.
class IndicatorsCall : public PendingCall {
 public:
  explicit IndicatorsCall(std::unique_ptr<Promised> promised) : promised_(std::move(promised)) {}

  Task Begin() override {
    Work& work = promised_->work;
    work.Prepare(promised_->cancel);
    for (size_t i = 0; i < work.calls.size(); ++i) {
      const Status status = co_await LaterSlot(*work.parts[i].row)(work.calls[i]);
      if (status != Status::kOk) co_return status;
    }
    co_return Status::kOk;
  }

  void Settle(Status status, std::exception_ptr error) override {
    if (error) return promised_->deferred.Reject(ErrorOf(error).ToError(promised_->deferred.Env()).Value());
    if (!IsForCpu(status)) return promised_->Settle(status);
    FallBack(promised_->work.backend);
    RunOnWorker(std::move(promised_));
  }

 private:
  std::unique_ptr<Promised> promised_;
};

// The same arguments, and a token that turns from 0 to cancel, or undefined.
Napi::Value IndicatorRunAsync(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    Work work = ReadWork(info);
    // A single row is checked as a whole before it runs; that is no work for the device.
    const bool later = work.backend == Backend::kMetal && work.calls.front().bars > 1;
    auto promised = std::make_unique<Promised>(info.Env(), std::move(work), info[8], ReadToken(info[8]));
    const Napi::Promise promise = promised->deferred.Promise();
    if (!later) {
      RunOnWorker(std::move(promised));
      return promise;
    }
    auto call = std::make_unique<IndicatorsCall>(std::move(promised));
    if (call->entered()) {
      Settling::Of(info.Env()).Start(std::move(call));
    } else {
      call->Settle(Status::kDeviceFailed, nullptr);
    }
    return promise;
  });
}

// One row after another over memory that was checked when it was opened.
struct Opened {
  Napi::Reference<Napi::ArrayBuffer> buffer;
  std::vector<Part> parts;
  std::vector<IndicatorCall> calls;
};

// Argument: how many bars came before.
Napi::Value Step(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    auto* opened = static_cast<Opened*>(info.Data());
    const int64_t first_bar = ReadCount(info[0], "firstBar", kMaxBars);
    if (opened->buffer.Value().IsDetached()) {
      Refuse(Status::kInvalidOption, "memory", "an attached array", "detached");
    }
    for (IndicatorCall& call : opened->calls) call.first_bar = first_bar;
    Backend backend = Backend::kCpu;
    const Status status = RunAll(opened->parts, opened->calls, backend);
    if (status != Status::kOk) throw Failure(status);
    return info.Env().Undefined();
  });
}

// Arguments in order: indicators, series, memory. The memory holds the five columns of a row, the outputs and
// the state, in this order. Returns a function that takes the row that stands there and writes its values.
Napi::Value IndicatorOpen(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    auto opened = std::make_unique<Opened>();
    opened->parts = ReadParts(info[0]);
    const int64_t series = ReadCount(info[1], "series", kMaxSeries);
    const Floats memory = ReadFloats(info[2], "memory");
    int64_t outputs = 0;
    int64_t state = 0;
    for (const Part& part : opened->parts) {
      outputs += static_cast<int64_t>(part.row->outputs.size());
      state += StateLength(*part.row, part.options.data(), memory.dtype, series);
    }
    RequireLike(memory, "memory", memory.dtype, (kColumns + outputs) * series + state);
    int64_t output_at = kColumns * series;
    int64_t state_at = output_at + outputs * series;
    for (const Part& part : opened->parts) {
      IndicatorCall call{.dtype = memory.dtype,
                         .series = series,
                         .bars = 1,
                         .first_bar = 0,
                         .options = part.options.data(),
                         .state = memory.At(state_at),
                         .inputs = {},
                         .outputs = {},
                         .checked = false,
                         .cancel = nullptr};
      for (size_t i = 0; i < part.row->inputs.size(); ++i) {
        call.inputs[i] = memory.At(static_cast<int64_t>(part.row->inputs[i]) * series);
      }
      for (size_t i = 0; i < part.row->outputs.size(); ++i, output_at += series) {
        call.outputs[i] = memory.At(output_at);
      }
      state_at += StateLength(*part.row, part.options.data(), memory.dtype, series);
      opened->calls.push_back(call);
    }
    opened->buffer = Napi::Persistent(info[2].As<Napi::TypedArray>().ArrayBuffer());
    Napi::Function step = Napi::Function::New(info.Env(), Step, "step", opened.get());
    step.AddFinalizer([](Napi::Env, Opened* gone) { delete gone; }, opened.get());
    opened.release();
    return step;
  });
}

// Arguments in order: indicators, element type (1 f32, 2 f64), series.
Napi::Value IndicatorStateLength(const Napi::CallbackInfo& info) {
  return Guarded(info, [&]() -> Napi::Value {
    const std::vector<Part> parts = ReadParts(info[0]);
    const Dtype dtype = ReadCount(info[1], "dtype", 2) == 1 ? Dtype::kF32 : Dtype::kF64;
    const int64_t series = ReadCount(info[2], "series", kMaxSeries);
    double length = 0;
    for (const Part& part : parts) {
      length += static_cast<double>(StateLength(*part.row, part.options.data(), dtype, series));
    }
    return Napi::Number::New(info.Env(), length);
  });
}

Napi::Value Indicators(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array rows = Napi::Array::New(env);
  for (const IndicatorRow& row : IndicatorTable()) {
    Napi::Array inputs = Napi::Array::New(env);
    for (const Column column : row.inputs)
      inputs.Set(inputs.Length(), kColumnNames[static_cast<size_t>(column)]);
    Napi::Array options = Napi::Array::New(env);
    for (const OptionSpec& option : row.options) {
      Napi::Object object = Napi::Object::New(env);
      object.Set("integer", option.integer);
      object.Set("min", option.min);
      object.Set("max", option.max);
      options.Set(options.Length(), object);
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("name", row.name);
    object.Set("inputs", inputs);
    object.Set("outputs", static_cast<double>(row.outputs.size()));
    object.Set("options", options);
    rows.Set(rows.Length(), object);
  }
  return rows;
}

}  // namespace

void ExportIndicators(Napi::Env env, Napi::Object exports) {
  exports.Set("indicators", Napi::Function::New(env, Indicators, "indicators"));
  exports.Set("indicatorRun", Napi::Function::New(env, IndicatorRun, "indicatorRun"));
  exports.Set("indicatorRunAsync", Napi::Function::New(env, IndicatorRunAsync, "indicatorRunAsync"));
  exports.Set("indicatorOpen", Napi::Function::New(env, IndicatorOpen, "indicatorOpen"));
  exports.Set("indicatorStateLength", Napi::Function::New(env, IndicatorStateLength, "indicatorStateLength"));
}

}  // namespace nautilus::addon
