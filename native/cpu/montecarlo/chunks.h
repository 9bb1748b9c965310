// Runs chunks of paths on several threads and adds their results up in the order of the chunks.
#ifndef NAUTILUS_CPU_MONTECARLO_CHUNKS_H_
#define NAUTILUS_CPU_MONTECARLO_CHUNKS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <new>
#include <vector>

#include "core/kernel_call.h"
#include "core/parallel.h"
#include "core/status.h"

namespace nautilus::cpu {

// Calls run(chunk, result) for each chunk in [0, chunks) and then add(chunk, result) in their order, on the
// calling thread. A wave of results is kept at a time, so memory does not grow with the number of chunks.
// Returns kCancelled soon after the flag was set; throws std::bad_alloc when a chunk did.
template <class Result, class Run, class Add>
Status ForChunks(int64_t chunks, CancelFlag cancel, const Run& run, const Add& add) {
  constexpr int64_t kWave = 512;
  std::vector<Result> wave(static_cast<size_t>(std::min(chunks, kWave)));
  std::atomic<bool> out_of_memory{false};
  for (int64_t first = 0; first < chunks; first += kWave) {
    const int64_t count = std::min(kWave, chunks - first);
    ParallelFor(count, [&](int64_t i) {
      if (IsCancelled(cancel) || out_of_memory.load(std::memory_order_relaxed)) return;
      try {
        run(first + i, wave[static_cast<size_t>(i)]);
      } catch (const std::bad_alloc&) {
        out_of_memory.store(true, std::memory_order_relaxed);
      }
    });
    if (out_of_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
    if (IsCancelled(cancel)) return Status::kCancelled;
    for (int64_t i = 0; i < count; ++i) add(first + i, wave[static_cast<size_t>(i)]);
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_CHUNKS_H_
