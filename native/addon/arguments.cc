// Checks of single arguments: kind, range, length, attachment, overlap.
#include "addon/arguments.h"

#include <cmath>
#include <cstdint>

namespace nautilus::addon {
namespace {

[[noreturn]] void Refuse(Status status, const char* name, const std::string& expected,
                         const std::string& received) {
  throw BorderError(status, "Expected " + expected + " for " + name + ", was " + received);
}

double ReadNumber(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) Refuse(Status::kInvalidOption, name, "a number", "another type");
  return value.As<Napi::Number>().DoubleValue();
}

}  // namespace

int64_t ReadDimension(const Napi::Value& value, const char* name, int64_t least) {
  const double number = ReadNumber(value, name);
  // Written so that NaN fails too.
  const bool in_range = number >= static_cast<double>(least) && number <= static_cast<double>(kMaxDimension);
  if (!in_range || number != std::floor(number)) {
    Refuse(Status::kInvalidOption, name,
           "an integer from " + std::to_string(least) + " to " + std::to_string(kMaxDimension),
           std::to_string(number));
  }
  return static_cast<int64_t>(number);
}

double ReadFinite(const Napi::Value& value, const char* name) {
  const double number = ReadNumber(value, name);
  if (!std::isfinite(number)) Refuse(Status::kNonFinite, name, "a finite number", "not finite");
  return number;
}

bool ReadFlag(const Napi::Value& value, const char* name) {
  if (!value.IsBoolean()) Refuse(Status::kInvalidOption, name, "true or false", "another type");
  return value.As<Napi::Boolean>().Value();
}

Backend ReadBackend(const Napi::Value& value) {
  const double number = ReadNumber(value, "backend");
  if (number == 0) return Backend::kAuto;
  if (number == 1) return Backend::kCpu;
  if (number == 2) return Backend::kMetal;
  Refuse(Status::kInvalidOption, "backend", "0, 1 or 2", std::to_string(number));
}

ArrayView ReadArray(const Napi::Value& value, const char* name, int64_t length) {
  if (!value.IsTypedArray())
    Refuse(Status::kInvalidOption, name, "a Float32Array or Float64Array", "another type");
  const Napi::Env env = value.Env();
  napi_value buffer = nullptr;
  napi_typedarray_type type;
  // Two calls on purpose. A short array may live inside the JavaScript heap until its buffer is asked for,
  // and then moves: the address is only final once the buffer exists.
  napi_status status = napi_get_typedarray_info(env, value, &type, nullptr, nullptr, &buffer, nullptr);
  size_t elements = 0;
  void* data = nullptr;
  if (status == napi_ok)
    status = napi_get_typedarray_info(env, value, nullptr, &elements, &data, nullptr, nullptr);
  if (status != napi_ok) Refuse(Status::kInvariant, name, "readable memory", "refused by the runtime");
  if (type != napi_float64_array && type != napi_float32_array) {
    Refuse(Status::kInvalidOption, name, "a Float32Array or Float64Array", "another typed array");
  }
  bool detached = false;
  if (napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && detached) {
    Refuse(Status::kInvalidOption, name, "an attached array", "detached");
  }
  if (static_cast<int64_t>(elements) != length) {
    Refuse(Status::kShape, name, std::to_string(length) + " elements", std::to_string(elements));
  }
  const Dtype dtype = type == napi_float64_array ? Dtype::kF64 : Dtype::kF32;
  return {value.As<Napi::Object>(), dtype, data, length};
}

void RequireSameDtype(const ArrayView& one, const ArrayView& other, const char* names) {
  if (one.dtype != other.dtype) Refuse(Status::kInvalidOption, names, "arrays of one element type", "mixed");
}

void RequireNoOverlap(const ArrayView& one, const ArrayView& other, const char* names) {
  const auto a = reinterpret_cast<uintptr_t>(one.data);
  const auto b = reinterpret_cast<uintptr_t>(other.data);
  const bool overlap =
      a < b + static_cast<uintptr_t>(other.bytes()) && b < a + static_cast<uintptr_t>(one.bytes());
  if (overlap && one.length > 0 && other.length > 0) {
    Refuse(Status::kInvalidOption, names, "arrays that do not overlap", "overlapping memory");
  }
}

Napi::Error MakeError(Napi::Env env, Status status, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, StatusName(status)));
  return error;
}

}  // namespace nautilus::addon
