// Runs metalc on a source, or finds in the cache what an earlier run made of the same source.
#ifndef NAUTILUS_TEST_SWMETAL_COMPILE_H_
#define NAUTILUS_TEST_SWMETAL_COMPILE_H_

#include <string>
#include <vector>

namespace swm {

// Returns the path of the library compiled from `source` with those options of metalc, or an empty path and the
// diagnostics in `error`. Read from the environment:
//   SWM_METALC    path of metalc.ts (default: SWM_METALC_PATH when this was compiled)
//   SWM_BUN       the bun that runs it (default: bun, by PATH)
//   SWM_CACHE     folder of compiled libraries (default: one for each process)
//   SWM_SANITIZE  1 instruments the kernels; the process must run under the address sanitizer of the same clang
//   SWM_CLANG, SWM_CFLAGS  the clang that metalc runs, and flags added to its own
std::string Compile(const std::string& source, std::vector<std::string> options, std::string* error);

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_COMPILE_H_
