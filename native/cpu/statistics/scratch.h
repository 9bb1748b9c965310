// Temporary memory of one task of a kernel. A task must not throw, so running out is remembered and thrown at
// the end.
#ifndef NAUTILUS_CPU_STATISTICS_SCRATCH_H_
#define NAUTILUS_CPU_STATISTICS_SCRATCH_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <new>

#include "core/status.h"

namespace nautilus::cpu {

// `count` elements that no one has written yet; null when memory is out.
template <typename T>
class Scratch {
 public:
  explicit Scratch(int64_t count) : memory_(new (std::nothrow) T[count > 0 ? count : 1]) {}
  T* get() const { return memory_.get(); }
  T& operator[](int64_t at) const { return memory_[at]; }
  explicit operator bool() const { return memory_ != nullptr; }

 private:
  std::unique_ptr<T[]> memory_;
};

// How the tasks of one call ended, gathered over threads.
class Outcome {
 public:
  void OutOfMemory() { memory_.store(true, std::memory_order_relaxed); }
  void Cancelled() { cancelled_.store(true, std::memory_order_relaxed); }
  // Throws std::bad_alloc when a task found no memory.
  Status Take() const {
    if (memory_.load(std::memory_order_relaxed)) throw std::bad_alloc();
    return cancelled_.load(std::memory_order_relaxed) ? Status::kCancelled : Status::kOk;
  }

 private:
  std::atomic<bool> memory_{false};
  std::atomic<bool> cancelled_{false};
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_SCRATCH_H_
