// Runs metalc on a source, or finds in the cache what an earlier run made of the same source.
#ifndef NAUTILUS_TEST_SWMETAL_COMPILE_H_
#define NAUTILUS_TEST_SWMETAL_COMPILE_H_

#include <string>
#include <vector>

namespace swm {

// Returns the path of the library compiled from `source` with those options of metalc, or an empty path and
// the diagnostics in `error`. Read from the environment:
//   SWM_METALC    path of metalc.ts (default: SWM_METALC_PATH when this was compiled)
//   SWM_BUN       the bun that runs it (default: bun, by PATH)
//   SWM_CACHE     folder of compiled libraries (default: one for each process)
//   SWM_SANITIZE  1 instruments the kernels, for a process that runs under the address sanitizer
//   SWM_CLANG     the clang that metalc runs (default: clang++-19)
//   SWM_CFLAGS    flags for it beside those of metalc
std::string Compile(const std::string& source, std::vector<std::string> options, std::string* error);

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_COMPILE_H_
