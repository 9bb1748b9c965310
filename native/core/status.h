// The error codes that cross the native border; src/native/errors.ts maps each one to a class.
#ifndef NAUTILUS_CORE_STATUS_H_
#define NAUTILUS_CORE_STATUS_H_

#include <cstdint>

namespace nautilus {

// One row per code: the only place that lists them. The addon exports the names, a test counts both sides.
#define NAUTILUS_STATUS_CODES(X) \
  X(kInvalidOption)              \
  X(kShape)                      \
  X(kNonFinite)                  \
  X(kNotPositiveDefinite)        \
  X(kNoBackend)                  \
  X(kCancelled)                  \
  X(kInvariant)

enum class Status : int32_t {
  kOk = 0,
#define NAUTILUS_STATUS_ENUM(name) name,
  NAUTILUS_STATUS_CODES(NAUTILUS_STATUS_ENUM)
#undef NAUTILUS_STATUS_ENUM
  // A device could not do what it began. Never leaves dispatch: the CPU takes over.
  kDeviceFailed,
};

// Returns the enumerator's own name ("kShape"), which is the `code` of the JavaScript error.
constexpr const char* StatusName(Status status) {
  switch (status) {
    case Status::kOk:
      return "kOk";
    case Status::kDeviceFailed:
      return "kDeviceFailed";
#define NAUTILUS_STATUS_CASE(name) \
  case Status::name:               \
    return #name;
      NAUTILUS_STATUS_CODES(NAUTILUS_STATUS_CASE)
#undef NAUTILUS_STATUS_CASE
  }
  return "kInvariant";
}

}  // namespace nautilus

#endif  // NAUTILUS_CORE_STATUS_H_
