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

// A Metal kernel on this device: the limits of its pipeline, and what it did.
struct MetalPipeline {
  std::string kernel;
  uint64_t max_threads = 0;        // of a threadgroup, by the registers that it takes
  uint64_t simd_width = 0;         // threads that go together
  uint64_t threadgroup_bytes = 0;  // of static threadgroup memory
  uint64_t group_threads = 0;      // of the threadgroups that it ran in last; 0 before
  uint64_t commands = 0;
  double gpu_seconds = 0;
};

// In the order of their names; none where there is no Metal.
std::vector<MetalPipeline> PipelinesOfMetal();

// All zeros where there is no Metal.
MetalCounts CountsOfMetal();

// Metal kernels that did not compile on this device, each with the reason; their rows run on the CPU.
std::vector<std::string> BrokenMetalKernels();

}  // namespace nautilus

#endif  // NAUTILUS_CORE_METAL_COUNTS_H_
