// Splits one kernel's work over threads. How the work is cut is the kernel's business and depends on its size
// only, never on the number of threads, so that the result has the same bits for any thread count.
#ifndef NAUTILUS_CORE_PARALLEL_H_
#define NAUTILUS_CORE_PARALLEL_H_

#include <cstdint>
#include <type_traits>

namespace nautilus {

// Sets how many threads one kernel may use, the calling one included, and returns the number; at least 1.
int SetKernelThreads(int threads);

// Returns how many threads one kernel may use; default: the cores of the machine.
int KernelThreads();

// Calls body(context, chunk) once for each chunk in [0, chunks), on several threads when they are free;
// returns when all are done. The calling thread takes part. A call from within a body, or while another
// kernel has the threads, runs on the calling thread alone. `body` must not throw.
void ParallelForRaw(int64_t chunks, void (*body)(void* context, int64_t chunk), void* context);

// The same for any callable.
template <class Body>
void ParallelFor(int64_t chunks, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  ParallelForRaw(
      chunks, [](void* context, int64_t chunk) { (*static_cast<Plain*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// Calls body(first, last) for ranges of `grain` items that cover [0, items); the last one may be shorter.
template <class Body>
void ParallelRanges(int64_t items, int64_t grain, Body&& body) {
  ParallelFor((items + grain - 1) / grain, [&](int64_t chunk) {
    const int64_t first = chunk * grain;
    body(first, first + grain < items ? first + grain : items);
  });
}

}  // namespace nautilus

#endif  // NAUTILUS_CORE_PARALLEL_H_
