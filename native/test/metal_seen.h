// What the tests of Metal kernels saw of each row, and the device that they saw it on: METAL_TEST_REPORT=1
// prints it.
#ifndef NAUTILUS_TEST_METAL_SEEN_H_
#define NAUTILUS_TEST_METAL_SEEN_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "metal/host/device.h"
#include "test/check.h"

namespace nautilus::test {

// Of one row: how far it was from the CPU at most, what is allowed, and how long the device took for it.
struct Seen {
  double worst = 0;
  double allowed = 0;
  uint64_t comparisons = 0;
  double gpu_seconds = 0;
};

inline std::map<std::string, Seen>& SeenRows() {
  static std::map<std::string, Seen> rows;
  return rows;
}

inline void PrintSeen() {
  const metal::Device& device = metal::Device::Get();
  const MetalCounts counts = device.counts();
  std::printf("device %s%s%s\n", device.name().c_str(), device.reason().empty() ? "" : ": ",
              device.reason().c_str());
  for (const std::string& kernel : device.broken()) std::printf("broken %s\n", kernel.c_str());
  for (const auto& [row, seen] : SeenRows()) {
    std::printf("row %s worst %.3g allowed %.3g comparisons %llu gpu_ms %.3f\n", row.c_str(), seen.worst,
                seen.allowed, static_cast<unsigned long long>(seen.comparisons), seen.gpu_seconds * 1e3);
  }
  std::printf("commands %llu failures %llu retries %llu gpu_ms %.1f\n",
              static_cast<unsigned long long>(counts.commands),
              static_cast<unsigned long long>(counts.failures),
              static_cast<unsigned long long>(counts.retries), counts.gpu_seconds * 1e3);
}

// Whether the report is wanted; it is then printed at the end of every run.
inline const bool prints_seen = [] {
  const bool wanted = std::getenv("METAL_TEST_REPORT") != nullptr;
  if (wanted) AtEnd().push_back(PrintSeen);
  return wanted;
}();

// Notes a difference of a row, with what the device did since the last one, and returns whether it is
// allowed.
inline bool Note(const char* row, double far, double allowed) {
  static double gpu_seconds = 0;
  if (prints_seen) {
    Seen& seen = SeenRows()[row];
    seen.worst = std::max(seen.worst, far);
    seen.allowed = allowed;
    ++seen.comparisons;
    const double until = metal::Device::Get().counts().gpu_seconds;
    seen.gpu_seconds += until - gpu_seconds;
    gpu_seconds = until;
  }
  return far <= allowed;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_METAL_SEEN_H_
