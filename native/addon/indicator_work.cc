// What arrays a call of indicators may have; the first broken rule answers.
#include "addon/indicator_work.h"

#include <cmath>
#include <optional>

#include "addon/arguments.h"
#include "addon/border.h"

namespace nautilus::addon {

using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorRow;
using cpu::indicators::IndicatorTable;
using cpu::indicators::OptionSpec;
using cpu::indicators::StateLength;

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

namespace {

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

}  // namespace

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

}  // namespace nautilus::addon
