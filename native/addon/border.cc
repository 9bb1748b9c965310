// Checks of one call, in the order options, arrays, shapes, overlap, backend; the first broken rule answers.
#include "addon/border.h"

#include <cmath>
#include <cstdint>
#include <string>

#include "addon/arguments.h"

namespace nautilus::addon {
namespace {

struct View {
  uintptr_t begin;
  uintptr_t end;
};

napi_typedarray_type TypeOf(Element element, Dtype dtype) {
  switch (element) {
    case Element::kFloat:
      return dtype == Dtype::kF64 ? napi_float64_array : napi_float32_array;
    case Element::kF64:
      return napi_float64_array;
    case Element::kF32:
      return napi_float32_array;
    case Element::kI32:
      return napi_int32_array;
    case Element::kU32:
      return napi_uint32_array;
    case Element::kU8:
      return napi_uint8_array;
  }
  return napi_uint8_array;
}

const char* NameOf(napi_typedarray_type type) {
  switch (type) {
    case napi_float64_array:
      return "a Float64Array";
    case napi_float32_array:
      return "a Float32Array";
    case napi_int32_array:
      return "an Int32Array";
    case napi_uint32_array:
      return "a Uint32Array";
    case napi_uint8_array:
      return "a Uint8Array";
    default:
      return "another typed array";
  }
}

int64_t BytesOf(napi_typedarray_type type) {
  if (type == napi_float64_array) return 8;
  return type == napi_uint8_array ? 1 : 4;
}

void ReadScalars(const double* block, const KernelSpec& spec, Request& request) {
  for (size_t i = 0; i < spec.scalars.size(); ++i) {
    const ScalarSpec& scalar = spec.scalars[i];
    const double value = block[kFirstScalar + i];
    // Written so that NaN fails too.
    const bool in_range = value >= scalar.min && value <= scalar.max && std::isfinite(value);
    if (!in_range || (scalar.integer && value != std::floor(value))) {
      Refuse(Status::kInvalidOption, scalar.name,
             scalar.integer ? "an integer in its range" : "a number in its range",
             std::isfinite(value) ? "out of range" : "not finite");
    }
    request.scalars[i] = value;
  }
}

int64_t LengthOf(const ArraySpec& array, const Request& request) {
  int64_t length = 1;
  for (const Side& side : array.sides) {
    int64_t count = side.offset;
    if (side.place >= 0) count += static_cast<int64_t>(request.scalars[side.place]);
    if (count < 0) count = 0;
    if (__builtin_mul_overflow(length, count, &length) || length > kMaxElements) {
      Refuse(Status::kShape, array.name, "sizes whose product is an array", "more elements than fit");
    }
  }
  return length;
}

View ReadArray(const Napi::Value& value, const ArraySpec& array, int64_t length, Dtype dtype,
               void*& pointer) {
  const napi_env env = value.Env();
  const napi_typedarray_type expected = TypeOf(array.element, dtype);
  napi_typedarray_type type;
  napi_value buffer = nullptr;
  // Two calls on purpose. A short array may live inside the JavaScript heap until its buffer is asked for,
  // and then moves: the address is only final once the buffer exists. The first call also tells whether it is
  // a typed array.
  if (napi_get_typedarray_info(env, value, &type, nullptr, nullptr, &buffer, nullptr) != napi_ok) {
    Refuse(Status::kInvalidOption, array.name, NameOf(expected), "another type");
  }
  if (type != expected) Refuse(Status::kInvalidOption, array.name, NameOf(expected), NameOf(type));
  size_t elements = 0;
  if (napi_get_typedarray_info(env, value, nullptr, &elements, &pointer, nullptr, nullptr) != napi_ok) {
    Refuse(Status::kInvariant, array.name, "readable memory", "refused by the runtime");
  }
  // A detached array has no elements, and only a shared one has a buffer of another kind.
  bool is_plain = false;
  if (napi_is_arraybuffer(env, buffer, &is_plain) != napi_ok || !is_plain) {
    Refuse(Status::kInvalidOption, array.name, "an array that no other thread can change", "shared memory");
  }
  if (elements == 0 || pointer == nullptr) {
    bool detached = false;
    if (napi_is_detached_arraybuffer(env, buffer, &detached) == napi_ok && detached) {
      Refuse(Status::kInvalidOption, array.name, "an attached array", "detached");
    }
  }
  if (static_cast<int64_t>(elements) != length) {
    Refuse(Status::kShape, array.name, std::to_string(length) + " elements",
           std::to_string(elements) + " elements");
  }
  const auto begin = reinterpret_cast<uintptr_t>(pointer);
  return {begin, begin + static_cast<uintptr_t>(length * BytesOf(type))};
}

bool IsWritten(Role role) { return role == Role::kOutput || role == Role::kWanted || role == Role::kInout; }

}  // namespace

Request ReadCall(const Napi::CallbackInfo& info, size_t first, const double* block, const char* id,
                 const KernelSpec& spec) {
  Request request;
  const double backend = block[0];
  if (backend != 0 && backend != 1 && backend != 2) {
    Refuse(Status::kInvalidOption, "backend", "auto, cpu or metal", "another value");
  }
  const Backend asked = static_cast<Backend>(static_cast<int>(backend));
  if (block[1] != 1 && block[1] != 2) Refuse(Status::kInvalidOption, "dtype", "f64 or f32", "another value");
  request.dtype = static_cast<Dtype>(static_cast<int>(block[1]));
  ReadScalars(block, spec, request);
  if ((spec.dtypes & static_cast<unsigned>(request.dtype)) == 0) {
    Refuse(Status::kInvalidOption, "dtype", std::string("an element type that ") + id + " has",
           request.dtype == Dtype::kF64 ? "f64" : "f32");
  }
  View views[kMaxArrays];
  for (size_t i = 0; i < spec.arrays.size(); ++i) {
    const ArraySpec& array = spec.arrays[i];
    const int64_t length = LengthOf(array, request);
    const Napi::Value value = info[first + i];
    const bool may_lack = array.role == Role::kOptional || array.role == Role::kWanted;
    if (may_lack && value.IsUndefined()) {
      request.pointers[i] = nullptr;
      views[i] = {0, 0};
      continue;
    }
    views[i] = ReadArray(value, array, length, request.dtype, request.pointers[i]);
    for (size_t j = 0; j < i; ++j) {
      if (!IsWritten(array.role) && !IsWritten(spec.arrays[j].role)) continue;
      const bool apart = views[i].end <= views[j].begin || views[j].end <= views[i].begin;
      const bool empty = views[i].begin == views[i].end || views[j].begin == views[j].end;
      if (!apart && !empty) {
        Refuse(Status::kInvalidOption, array.name, std::string("an array apart from ") + spec.arrays[j].name,
               "overlapping");
      }
    }
  }
  request.backend = asked;
  return request;
}

namespace {

std::string WhyNoMetal(const KernelRow& row, Dtype dtype) {
  if (!row.has_metal) return Metal().available ? "no Metal kernel of it on this device" : Metal().reason;
  if (dtype == Dtype::kF64) return "Metal has no double precision";
  const char* const out = WhyMetalIsOut();
  return out != nullptr ? out : "it was switched off until now";
}

}  // namespace

Backend ChooseBackend(const KernelRow& row, Dtype dtype, int64_t elements, Backend asked) {
  const Choice choice = Pick(row, dtype, elements, asked);
  if (choice.status != Status::kOk) {
    const std::string why = WhyNoMetal(row, dtype);
    throw BorderError(choice.status, "backend", std::string("a backend that runs ") + row.id,
                      "metal: " + why);
  }
  return choice.backend;
}

const std::atomic<uint32_t>* ReadToken(const Napi::Value& value) {
  if (value.IsUndefined()) return nullptr;
  static constexpr Side kOne[] = {{-1, 1}};
  void* pointer = nullptr;
  ReadArray(value, {"cancel", Role::kInput, Element::kU32, kOne}, 1, Dtype::kF64, pointer);
  static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t));
  return static_cast<const std::atomic<uint32_t>*>(pointer);
}

std::string Explain(const char* id, const KernelSpec& spec, Status status, int64_t detail) {
  for (const ErrorText& error : spec.errors) {
    if (error.status != status) continue;
    std::string text = std::string("Expected ") + error.expected;
    const size_t at = text.find("{detail}");
    if (at != std::string::npos) text.replace(at, 8, std::to_string(detail));
    return text;
  }
  if (status == Status::kCancelled) return std::string("Expected to finish ") + id + ", was cancelled";
  if (status == Status::kNonFinite) {
    return std::string("Expected finite numbers for ") + id + ", was NaN or infinity at element " +
           std::to_string(detail);
  }
  return std::string("kernel ") + id + " failed";
}

}  // namespace nautilus::addon
