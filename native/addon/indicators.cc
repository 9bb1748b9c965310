// The border of the indicators. One call runs one indicator or several of them over the same rows; what it
// works on are arrays of the caller, checked each time, so nothing here outlives a call.
#include "addon/indicators.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "addon/arguments.h"
#include "addon/border.h"
#include "addon/settling.h"
#include "core/indicator_call.h"
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

constexpr int kColumns = 5;
constexpr const char* kColumnNames[kColumns] = {"open", "high", "low", "close", "volume"};
constexpr int64_t kMaxSeries = INT32_MAX;
constexpr int64_t kMaxBars = int64_t{1} << 48;

// A float array and its memory.
struct Floats {
  Napi::Object array;
  Dtype dtype;
  uintptr_t begin;
  int64_t length;

  int64_t Size() const { return dtype == Dtype::kF64 ? 8 : 4; }
  uintptr_t End() const { return begin + static_cast<uintptr_t>(length * Size()); }
  void* At(int64_t element) const {
    return reinterpret_cast<void*>(begin + static_cast<uintptr_t>(element * Size()));
  }
};

int64_t ReadCount(const Napi::Value& value, const char* field, int64_t max) {
  double number = -1;
  const bool is_number = napi_get_value_double(value.Env(), value, &number) == napi_ok;
  if (!is_number || !(number >= 0 && number <= static_cast<double>(max)) || number != std::floor(number)) {
    Refuse(Status::kInvalidOption, field, "an integer from 0 to " + std::to_string(max),
           is_number ? "out of range" : "another type");
  }
  return static_cast<int64_t>(number);
}

Floats ReadFloats(const Napi::Value& value, const std::string& field) {
  const napi_env env = value.Env();
  napi_typedarray_type type;
  napi_value buffer = nullptr;
  // Two calls on purpose. A short array may live inside the JavaScript heap until its buffer is asked for,
  // and then moves: the address is only final once the buffer exists.
  if (napi_get_typedarray_info(env, value, &type, nullptr, nullptr, &buffer, nullptr) != napi_ok ||
      (type != napi_float64_array && type != napi_float32_array)) {
    Refuse(Status::kInvalidOption, field.c_str(), "a Float64Array or Float32Array", "another type");
  }
  bool is_plain = false;
  if (napi_is_arraybuffer(env, buffer, &is_plain) != napi_ok || !is_plain) {
    Refuse(Status::kInvalidOption, field.c_str(), "an array that no other thread can change",
           "shared memory");
  }
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, nullptr, &length, &data, nullptr, nullptr) != napi_ok) {
    Refuse(Status::kInvariant, field.c_str(), "readable memory", "refused by the runtime");
  }
  if (length == 0 || data == nullptr) {
    bool detached = false;
    if (napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && detached) {
      Refuse(Status::kInvalidOption, field.c_str(), "an attached array", "detached");
    }
  }
  return {value.As<Napi::Object>(), type == napi_float64_array ? Dtype::kF64 : Dtype::kF32,
          reinterpret_cast<uintptr_t>(data), static_cast<int64_t>(length)};
}

void RequireLike(const Floats& floats, const std::string& field, Dtype dtype, int64_t length) {
  if (floats.dtype != dtype) {
    Refuse(Status::kInvalidOption, field.c_str(), dtype == Dtype::kF64 ? "a Float64Array" : "a Float32Array",
           "another element type");
  }
  if (floats.length != length) {
    Refuse(Status::kShape, field.c_str(), std::to_string(length) + " elements",
           std::to_string(floats.length) + " elements");
  }
}

// One indicator of a call.
struct Part {
  const IndicatorRow* row;
  std::vector<double> options;
};

// Reads [index, options..., index, options...].
std::vector<Part> ReadParts(const Napi::Value& value) {
  const Floats spec = ReadFloats(value, "indicators");
  if (spec.dtype != Dtype::kF64 || spec.length == 0) {
    Refuse(Status::kInvalidOption, "indicators", "a Float64Array of indicators and their options",
           "another array");
  }
  const double* at = static_cast<const double*>(spec.At(0));
  const double* end = at + spec.length;
  std::vector<Part> parts;
  while (at < end) {
    const double index = *at++;
    const auto table = IndicatorTable();
    if (!(index >= 0 && index < static_cast<double>(table.size())) || index != std::floor(index)) {
      Refuse(Status::kInvalidOption, "indicators", "the number of an indicator", "another number");
    }
    const IndicatorRow& row = table[static_cast<size_t>(index)];
    if (end - at < static_cast<ptrdiff_t>(row.options.size())) {
      Refuse(Status::kInvalidOption, "indicators", std::string("every option of ") + row.name,
             "too few numbers");
    }
    Part part{&row, {}};
    for (const OptionSpec& option : row.options) {
      const double number = *at++;
      // Written so that NaN fails too.
      if (!(number >= option.min && number <= option.max) ||
          (option.integer && number != std::floor(number))) {
        Refuse(Status::kInvalidOption, option.name,
               option.integer ? "an integer in its range" : "a number in its range", "out of range");
      }
      part.options.push_back(number);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Status RunAll(const std::vector<Part>& parts, std::vector<IndicatorCall>& calls, Backend& backend) {
  // A single row is taken by all or by none.
  for (size_t i = 0; i < calls.size(); ++i) {
    calls[i].checked = calls[i].bars == 1;
    if (calls[i].checked && !cpu::indicators::InputsFinite(*parts[i].row, calls[i]))
      return Status::kNonFinite;
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const Status status = Run(backend, *parts[i].row, calls[i]);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

// A call after all checks: what to run, and every array that it touches.
struct Work {
  std::vector<Part> parts;
  std::vector<IndicatorCall> calls;
  std::vector<Floats> arrays;
  Backend backend;

  void Prepare(CancelFlag cancel) {
    for (size_t i = 0; i < calls.size(); ++i) {
      calls[i].options = parts[i].options.data();
      calls[i].cancel = cancel;
    }
  }

  Status RunParts(CancelFlag cancel) {
    Prepare(cancel);
    return RunAll(parts, calls, backend);
  }
};

// Reads the asked backend and returns the one that runs all parts: Metal when each of them may go there.
Backend Choose(const Napi::Value& value, const Work& work) {
  const auto asked = static_cast<Backend>(ReadCount(value, "backend", 2));
  bool metal = asked != Backend::kCpu;
  for (size_t i = 0; metal && i < work.parts.size(); ++i) {
    const IndicatorRow& indicator = *work.parts[i].row;
    const IndicatorCall& call = work.calls[i];
    const int64_t elements = call.bars * call.series * static_cast<int64_t>(indicator.outputs.size());
    metal = ChooseBackend(RowOf(indicator), call.dtype, elements, asked) == Backend::kMetal;
    // Metal takes whole panels.
    if (metal && call.first_bar != 0) {
      if (asked == Backend::kMetal)
        Refuse(Status::kInvalidOption, "backend", "cpu or auto for rows that go on from others", "metal");
      metal = false;
    }
  }
  return metal ? Backend::kMetal : Backend::kCpu;
}

// Columns or outputs: one packed array, or a list of arrays of which some may be absent.
struct Columns {
  std::vector<std::optional<Floats>> arrays;
  bool packed;
};

Columns ReadColumns(const Napi::Value& value, const char* field, size_t count, int64_t each, Dtype dtype,
                    const char* const* names) {
  Columns columns{{}, !value.IsArray()};
  if (columns.packed) {
    const Floats all = ReadFloats(value, field);
    RequireLike(all, field, dtype, each * static_cast<int64_t>(count));
    columns.arrays.emplace_back(all);
    return columns;
  }
  const Napi::Array list = value.As<Napi::Array>();
  if (list.Length() != count) {
    Refuse(Status::kShape, field, std::to_string(count) + " arrays",
           std::to_string(list.Length()) + " arrays");
  }
  for (uint32_t i = 0; i < count; ++i) {
    const Napi::Value one = list.Get(i);
    if (one.IsUndefined()) {
      columns.arrays.emplace_back();
      continue;
    }
    const std::string name = names == nullptr ? std::string(field) : std::string(field) + "/" + names[i];
    const Floats floats = ReadFloats(one, name);
    RequireLike(floats, name, dtype, each);
    columns.arrays.emplace_back(floats);
  }
  return columns;
}

void* Pointer(const Columns& columns, size_t index, int64_t each, const char* field, const char* name) {
  if (columns.packed) return columns.arrays[0]->At(static_cast<int64_t>(index) * each);
  const auto& floats = columns.arrays[index];
  if (!floats) {
    Refuse(Status::kShape, (std::string(field) + "/" + name).c_str(), "an array of numbers", "missing");
  }
  return floats->At(0);
}

// What is written overlaps nothing else.
void RequireApart(const std::vector<Floats>& written, const std::vector<Floats>& read) {
  const auto apart = [](const Floats& one, const Floats& other) {
    return one.length == 0 || other.length == 0 || one.End() <= other.begin || other.End() <= one.begin;
  };
  for (size_t i = 0; i < written.size(); ++i) {
    for (const Floats& other : read) {
      if (!apart(written[i], other)) {
        Refuse(Status::kInvalidOption, "outputs", "arrays that overlap nothing", "overlapping memory");
      }
    }
    for (size_t j = 0; j < i; ++j) {
      if (!apart(written[i], written[j])) {
        Refuse(Status::kInvalidOption, "outputs", "arrays that overlap nothing", "overlapping memory");
      }
    }
  }
}

// Arguments in order: indicators, series, first bar, bars, state, inputs, outputs, backend (0 auto, 1 CPU, 2
// Metal).
Work ReadWork(const Napi::CallbackInfo& info) {
  Work work;
  work.parts = ReadParts(info[0]);
  const int64_t series = ReadCount(info[1], "series", kMaxSeries);
  const int64_t first_bar = ReadCount(info[2], "firstBar", kMaxBars);
  const int64_t bars = ReadCount(info[3], "bars", kMaxSeries);
  const Floats state = ReadFloats(info[4], "state");
  int64_t each = 0;
  if (__builtin_mul_overflow(series, bars, &each) || each > kMaxElements) {
    Refuse(Status::kShape, "bars", "sizes whose product is an array", "more elements than fit");
  }
  int64_t length = 0;
  size_t outputs = 0;
  for (const Part& part : work.parts) {
    length += StateLength(*part.row, part.options.data(), state.dtype, series);
    outputs += part.row->outputs.size();
  }
  RequireLike(state, "state", state.dtype, length);
  const Columns in = ReadColumns(info[5], "inputs", kColumns, each, state.dtype, kColumnNames);
  const Columns out = ReadColumns(info[6], "outputs", outputs, each, state.dtype, nullptr);

  int64_t state_at = 0;
  size_t output_at = 0;
  for (const Part& part : work.parts) {
    IndicatorCall call{.dtype = state.dtype,
                       .series = series,
                       .bars = bars,
                       .first_bar = first_bar,
                       .options = nullptr,
                       .state = state.At(state_at),
                       .inputs = {},
                       .outputs = {},
                       .checked = false,
                       .cancel = nullptr};
    for (size_t i = 0; i < part.row->inputs.size(); ++i) {
      const auto column = static_cast<size_t>(part.row->inputs[i]);
      call.inputs[i] = Pointer(in, column, each, "inputs", kColumnNames[column]);
    }
    for (size_t i = 0; i < part.row->outputs.size(); ++i) {
      call.outputs[i] = Pointer(out, output_at++, each, "outputs", part.row->outputs[i]);
    }
    state_at += StateLength(*part.row, part.options.data(), state.dtype, series);
    work.calls.push_back(call);
  }
  std::vector<Floats> read;
  std::vector<Floats> written{state};
  for (const auto& floats : in.arrays) {
    if (floats) read.push_back(*floats);
  }
  for (const auto& floats : out.arrays) {
    if (floats) written.push_back(*floats);
  }
  RequireApart(written, read);
  work.arrays = std::move(read);
  work.arrays.insert(work.arrays.end(), written.begin(), written.end());
  work.backend = Choose(info[7], work);
  return work;
}

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
