// What the tests of Metal kernels share: calls on either backend, their differences, and the software device.
#ifndef NAUTILUS_TEST_METAL_TESTING_H_
#define NAUTILUS_TEST_METAL_TESTING_H_

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include "core/kernel_table.h"
#include "core/metal_health.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_seen.h"
#if !defined(__APPLE__)
#include "test/swmetal/faults.h"
#endif

namespace nautilus::test {

// Whether the device is the double: only that one fails when asked to and tells times that it is told.
inline bool OnSoftDevice() { return metal::Device::Get().name() == "SoftMetal"; }

// Whether each kernel shall run on a few sizes only: under sanitizers a size takes ten times as long.
inline bool Few() { return std::getenv("METAL_TEST_FEW") != nullptr; }

// Sets a variable of the software device for a while.
class Setting {
 public:
  Setting(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Setting() { unsetenv(name_); }

 private:
  const char* name_;
};

// Buffers that the software device was asked for so far.
#if defined(__APPLE__)
inline uint64_t SoftBuffersAsked() { return 0; }
#else
inline uint64_t SoftBuffersAsked() { return swm::faults::Asked(); }
#endif

// Lets the device fail as often as a test wants without being taken out of use.
class Patience {
 public:
  Patience() { HealthOfMetal().Configure(UINT32_MAX, std::chrono::seconds(5), std::chrono::minutes(5)); }
  ~Patience() { HealthOfMetal().Configure(3, std::chrono::seconds(5), std::chrono::minutes(5)); }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;
};

// Makes each piece of work seem to hold the device for long, so that the next ones are short.
class ShortPieces : Setting {
 public:
  ShortPieces() : Setting("SWM_GPU_MS", "400") {}

  // Whether there were more than `count` pieces since the start; a device that is none of ours takes its own
  // time.
  bool MoreThan(uint64_t count) const {
    return !OnSoftDevice() || metal::Device::Get().counts().commands - before_ > count;
  }

 private:
  uint64_t before_ = metal::Device::Get().counts().commands;
};

inline double ToleranceOf(KernelId id) { return KernelTable()[static_cast<size_t>(id)].tolerance_f32; }

// Whether a difference from the CPU, relative to `scale`, is within the tolerance of the row; it is noted.
inline bool Within(KernelId id, double far, double scale = 1) {
  return Note(KernelTable()[static_cast<size_t>(id)].id, far / scale, ToleranceOf(id));
}

// Runs a call where it is asked to.
template <class Args>
Status On(Backend backend, Args& args) {
  Backend chosen = backend;
  const Status status = Run(chosen, args);
  CHECK(chosen == backend, "ran on another backend");
  return status;
}

// The largest difference, infinite where one is NaN and the other isn't.
template <typename T>
double Worst(const T* found, const T* expected, size_t count) {
  double worst = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(found[i]) && std::isnan(expected[i])) continue;
    const double far = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    worst = std::isnan(far) ? std::numeric_limits<double>::infinity() : std::max(worst, far);
  }
  return worst;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_METAL_TESTING_H_
