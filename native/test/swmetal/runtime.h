// Runs compiled kernels on the CPU, one dispatch at a time.
#ifndef NAUTILUS_TEST_SWMETAL_RUNTIME_H_
#define NAUTILUS_TEST_SWMETAL_RUNTIME_H_

#include <cstdint>

#include "test/swmetal/abi.h"

namespace swm {

constexpr uint32_t kMaxGroupThreads = 1024;
constexpr uint32_t kMaxThreadgroupBytes = 32768;

struct Size {
  uint32_t x, y, z;
};

// A kernel with all that it runs on. `threads` is the whole grid: threadgroups at its edge may be smaller.
struct Dispatch {
  const swm_function* function;
  uint64_t buffers[SWM_BUFFERS];
  Size threads;
  Size group;
};

// Runs one thread of a kernel. The sanitizer would find another type than that of C++: the parameter of a
// function that is compiled as MSL has an address space.
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
inline void
Call(const swm_function& function, const swm_thread& thread) {
  function.run(&thread);
}

// What kernels call.
const swm_host& Host();

// Runs a dispatch to its end. Threads whose kernel has barriers or simdgroup operations run on fibers, others
// in a loop, on two threads of the CPU when nothing can tell the difference (SWM_THREADS sets their number).
// Ends the process with a message when a kernel does what is undefined on a GPU: threads that wait at
// different places or not at all. SWM_FLUSH=1 makes denormals zero, as GPUs do; by default they are kept, so
// that results agree with a CPU bit for bit.
void Run(const Dispatch& dispatch);

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_RUNTIME_H_
