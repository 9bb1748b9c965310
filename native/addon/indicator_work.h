// Reads and checks a call of indicators before any of it runs.
#ifndef NAUTILUS_ADDON_INDICATOR_WORK_H_
#define NAUTILUS_ADDON_INDICATOR_WORK_H_

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/indicator_call.h"
#include "core/kernel_table.h"

namespace nautilus::addon {

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

// Reads an integer from 0 to `max`.
int64_t ReadCount(const Napi::Value& value, const char* field, int64_t max);

// Reads a Float32Array or Float64Array.
Floats ReadFloats(const Napi::Value& value, const std::string& field);

// Refuses an array of another element type or length.
void RequireLike(const Floats& floats, const std::string& field, Dtype dtype, int64_t length);

// One indicator of a call.
struct Part {
  const cpu::indicators::IndicatorRow* row;
  std::vector<double> options;
};

// Reads [index, options..., index, options...].
std::vector<Part> ReadParts(const Napi::Value& value);

// Runs all parts; `backend` becomes the CPU when one of them had to run there.
Status RunAll(const std::vector<Part>& parts, std::vector<cpu::indicators::IndicatorCall>& calls,
              Backend& backend);

// A call after all checks: what to run, and every array that it touches.
struct Work {
  std::vector<Part> parts;
  std::vector<cpu::indicators::IndicatorCall> calls;
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

// Arguments in order: indicators, series, first bar, bars, state, inputs, outputs, backend (0 auto, 1 CPU, 2
// Metal).
Work ReadWork(const Napi::CallbackInfo& info);

}  // namespace nautilus::addon

#endif  // NAUTILUS_ADDON_INDICATOR_WORK_H_
