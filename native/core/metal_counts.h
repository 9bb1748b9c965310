// What the Metal device has done since it was opened.
#ifndef NAUTILUS_CORE_METAL_COUNTS_H_
#define NAUTILUS_CORE_METAL_COUNTS_H_

#include <cstdint>
#include <string>
#include <vector>

namespace nautilus {

struct MetalCounts {
  uint64_t commands = 0;   // command buffers
  uint64_t failures = 0;   // of them, those that ended in an error
  uint64_t retries = 0;    // calls that began again in smaller pieces
  uint64_t fallbacks = 0;  // calls that the CPU completed
  uint64_t copied_bytes = 0;
  double gpu_seconds = 0;
};

// All zeros where there is no Metal.
MetalCounts CountsOfMetal();

// Metal kernels that did not compile on this device, each with the reason; their rows run on the CPU.
std::vector<std::string> BrokenMetalKernels();

}  // namespace nautilus

#endif  // NAUTILUS_CORE_METAL_COUNTS_H_
