// The Node-API border as data: what each kernel takes, and the one reader that checks all of it before work
// starts.
#ifndef NAUTILUS_ADDON_BORDER_H_
#define NAUTILUS_ADDON_BORDER_H_

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "core/kernel_args.h"
#include "core/kernel_table.h"

namespace nautilus::addon {

// A side of a shape: the scalar at `place` plus `offset`, or `offset` alone when `place` is -1.
struct Side {
  int place;
  int64_t offset;
};

enum class Role : uint8_t { kInput, kOptional, kOutput, kWanted, kInout };
enum class Element : uint8_t { kFloat, kF64, kF32, kI32, kU32, kU8 };

struct ArraySpec {
  const char* name;
  Role role;
  Element element;
  std::span<const Side> sides;
};

// A size, an option, or the place of a choice; flags are integers from 0 to 1.
struct ScalarSpec {
  const char* name;
  bool integer;
  double min;
  double max;
};

struct ErrorText {
  Status status;
  const char* expected;  // follows "Expected"; "{detail}" stands for the kernel's number
};

struct KernelSpec {
  unsigned dtypes;
  std::span<const ScalarSpec> scalars;
  std::span<const ArraySpec> arrays;
  std::span<const ErrorText> errors;
};

inline constexpr int kMaxArrays = 16;
inline constexpr int kMaxScalars = 62;
inline constexpr int kFirstScalar = 2;  // after the backend and the element type
inline constexpr int kBlock = kFirstScalar + kMaxScalars;

// One call after all checks.
struct Request {
  Backend backend;
  Dtype dtype;
  double scalars[kMaxScalars];
  void* pointers[kMaxArrays];  // null for an absent optional array
};

// Reads a call: the numbers from `block`, the arrays from info[first], info[first + 1]... Throws BorderError.
Request ReadCall(const Napi::CallbackInfo& info, size_t first, const double* block, const char* id,
                 const KernelSpec& spec);

// Operations of a call as its definition states them. log2 is at least 1, as in its other reader.
inline double Log2(double value) { return std::log2(std::max(value, 2.0)); }

// Returns the backend that Pick chooses; throws BorderError where it has none.
Backend ChooseBackend(const KernelRow& row, Dtype dtype, int64_t elements, Backend asked);

// Returns the memory of a cancel token, a Uint32Array of one element. Throws BorderError.
const std::atomic<uint32_t>* ReadToken(const Napi::Value& value);

// Returns the message of a kernel that failed with `status`.
std::string Explain(const char* id, const KernelSpec& spec, Status status, int64_t detail);

// The argument struct and the spec of each kernel; see core/generated and addon/generated.
template <class Args>
struct Border;

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_BORDER_H_
