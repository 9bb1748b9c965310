// Barriers, and the calls to the software device that barriers and simdgroup operations are made of.
#ifndef SWM_SYNC_H_
#define SWM_SYNC_H_

extern "C" {
void swm_barrier(uint scope);
void swm_simd_publish(uint slot, uint word);
uint swm_simd_meet(void);
uint swm_simd_peek(uint slot, uint lane);
void swm_simd_gather(uint slot, __private uint* words);
uint swm_simd_lane(void);
uint swm_atomic_point(void);
}

namespace metal {

enum memory_order { memory_order_relaxed };

enum class mem_flags : uint {
  mem_none = 0,
  mem_device = 1,
  mem_threadgroup = 2,
  mem_device_and_threadgroup = 3,
};
inline mem_flags operator|(mem_flags x, mem_flags y) { return mem_flags(uint(x) | uint(y)); }

// Always inlined: the address that calls the device tells one barrier of a kernel from another.
METAL_FUNC void threadgroup_barrier(mem_flags) { swm_barrier(SWM_GROUP_BARRIER); }
METAL_FUNC void simdgroup_barrier(mem_flags) { swm_barrier(SWM_SIMD_BARRIER); }

}  // namespace metal

#endif  // SWM_SYNC_H_
