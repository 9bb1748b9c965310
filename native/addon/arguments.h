// Refusals at the Node-API border and how they become JavaScript errors. Nothing here knows a kernel.
#ifndef NAUTILUS_ADDON_ARGUMENTS_H_
#define NAUTILUS_ADDON_ARGUMENTS_H_

#include <napi.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "core/status.h"

namespace nautilus::addon {

// A broken argument or a kernel that failed; becomes a JavaScript error whose `code` is the name of the
// status.
class BorderError : public std::exception {
 public:
  BorderError(Status status, std::string message) : status_(status), message_(std::move(message)) {}
  BorderError(Status status, const char* field, const std::string& expected, const std::string& received)
      : status_(status),
        message_("Expected " + expected + " for " + field + ", was " + received),
        field_(field),
        expected_(expected),
        received_(received) {}

  const char* what() const noexcept override { return message_.c_str(); }

  // Builds the JavaScript error: `code`, and `field`, `expected`, `received` when one argument is to blame.
  Napi::Error ToError(Napi::Env env) const;

 private:
  Status status_;
  std::string message_;
  std::string field_;
  std::string expected_;
  std::string received_;
};

// Largest number of elements of one array: far above what memory holds, far below where addresses overflow.
inline constexpr int64_t kMaxElements = int64_t{1} << 48;

[[noreturn]] void Refuse(Status status, const char* field, const std::string& expected,
                         const std::string& received);

// Runs `body`. No C++ exception may cross the border: the runtime would abort the process.
template <class Body>
Napi::Value Guarded(const Napi::CallbackInfo& info, Body body) {
  try {
    return body();
  } catch (const BorderError& error) {
    throw error.ToError(info.Env());
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw BorderError(Status::kShape, "Expected sizes whose work fits in memory, was too large")
        .ToError(info.Env());
  } catch (const std::exception& error) {
    throw BorderError(Status::kInvariant, error.what()).ToError(info.Env());
  }
}

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_ARGUMENTS_H_
