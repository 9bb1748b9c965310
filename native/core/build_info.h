// What this build is: compiler, flags, SIMD targets, BLAS. Filled by the CPU side, read by the addon and the
// tests.
#ifndef NAUTILUS_CORE_BUILD_INFO_H_
#define NAUTILUS_CORE_BUILD_INFO_H_

#include <string>
#include <vector>

namespace nautilus {

struct BuildInfo {
  std::string compiler;                   // name and version
  std::string flags;                      // what changes numbers or speed
  std::string simd_target;                // Highway target that runs on this machine
  std::vector<std::string> simd_targets;  // all targets compiled into this build
  std::string blas;                       // name and version
  std::string blas_target;                // name and the kernel set it chose for this machine
};

BuildInfo DescribeBuild();

// Sets how many threads kernels and BLAS may use and returns how many that is; Accelerate decides by itself.
int SetThreads(int threads);

}  // namespace nautilus

#endif  // NAUTILUS_CORE_BUILD_INFO_H_
