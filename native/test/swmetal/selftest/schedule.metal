// Kernels of the self test: what depends on the order of threads.
#include <metal_stdlib>
using namespace metal;

kernel void order(device atomic_uint* next [[buffer(0)]], device uint* out [[buffer(1)]],
                  uint gid [[thread_position_in_grid]]) {
  out[gid] = atomic_fetch_add_explicit(next, 1u, memory_order_relaxed);
}

kernel void left_neighbour(device const uint* in [[buffer(0)]], device uint* out [[buffer(1)]],
                           uint gid [[thread_position_in_grid]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup uint copy[64];
  copy[lid] = in[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[gid] = lid > 0u ? copy[lid - 1u] : 0u;
}

// The barrier at the end of each round keeps the next one from overwriting what is still read.
kernel void rounds(device const uint* in [[buffer(0)]], device uint* out [[buffer(1)]],
                   uint gid [[thread_position_in_grid]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup uint value;
  uint sum = 0u;
  for (uint round = 0u; round < 4u; ++round) {
    if (lid == round) value = in[gid];
    threadgroup_barrier(mem_flags::mem_threadgroup);
    sum += value;
    threadgroup_barrier(mem_flags::mem_threadgroup);  // round
  }
  out[gid] = sum;
}
