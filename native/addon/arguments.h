// Reads and checks the arguments of one call at the Node-API border. Nothing here knows a kernel.
#ifndef NAUTILUS_ADDON_ARGUMENTS_H_
#define NAUTILUS_ADDON_ARGUMENTS_H_

#include <napi.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "core/kernel_args.h"
#include "core/status.h"

namespace nautilus::addon {

// A broken argument; becomes a JavaScript error whose `code` is the name of the status.
class BorderError : public std::exception {
 public:
  BorderError(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  Status status() const { return status_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  Status status_;
  std::string message_;
};

// The memory of a Float32Array or Float64Array. It stays valid while the array is referenced and not
// detached.
struct ArrayView {
  Napi::Object array;
  Dtype dtype;
  void* data;
  int64_t length;

  int64_t bytes() const { return length * (dtype == Dtype::kF64 ? 8 : 4); }
};

// Largest count that BLAS and LAPACK with 32-bit integers accept.
inline constexpr int64_t kMaxDimension = INT32_MAX;

// Reads an integer from `least` to kMaxDimension.
int64_t ReadDimension(const Napi::Value& value, const char* name, int64_t least);
double ReadFinite(const Napi::Value& value, const char* name);
bool ReadFlag(const Napi::Value& value, const char* name);
Backend ReadBackend(const Napi::Value& value);

// Reads a float array that is attached and holds exactly `length` elements.
ArrayView ReadArray(const Napi::Value& value, const char* name, int64_t length);

void RequireSameDtype(const ArrayView& one, const ArrayView& other, const char* names);
void RequireNoOverlap(const ArrayView& one, const ArrayView& other, const char* names);

// Builds the JavaScript error of a status.
Napi::Error MakeError(Napi::Env env, Status status, const std::string& message);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_ARGUMENTS_H_
