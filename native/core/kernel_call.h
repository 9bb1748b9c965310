// What the arguments of all kernels have in common: `dtype`, `cancel`, and `detail`, one number for the error
// message such as the index of a bad element. Arrays are row-major and tight. No Node, no Metal.
#ifndef NAUTILUS_CORE_KERNEL_CALL_H_
#define NAUTILUS_CORE_KERNEL_CALL_H_

#include <atomic>
#include <cstdint>

namespace nautilus {

enum class Dtype : uint8_t { kF32 = 1, kF64 = 2 };

enum class Backend : uint8_t { kAuto = 0, kCpu = 1, kMetal = 2 };

// In the arguments of every kernel. Not 0 once the caller has given up; null when it can't.
using CancelFlag = const std::atomic<uint32_t>*;

inline bool IsCancelled(CancelFlag flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed) != 0;
}

}  // namespace nautilus

#endif  // NAUTILUS_CORE_KERNEL_CALL_H_
