// Kernels of the self test: what only the sanitizers see.
#include <metal_stdlib>
using namespace metal;

kernel void sums(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                 uint gid [[thread_position_in_grid]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup int copy[64];
  int own[4] = {1, 2, 3, 4};
  copy[lid] = in[gid] + own[lid % 4u];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[gid] = copy[63u - lid] + simd_sum(copy[lid]);
}

kernel void past_private(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                         uint gid [[thread_position_in_grid]]) {
  int own[4] = {1, 2, 3, 4};
  thread int* p = own;
  out[gid] = p[in[gid]];
}

kernel void past_threadgroup(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                             uint gid [[thread_position_in_grid]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup int copy[64];
  copy[lid] = in[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  threadgroup int* p = copy;
  out[gid] = p[in[gid]];
}

kernel void past_device(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                        uint gid [[thread_position_in_grid]]) {
  out[gid] = in[in[gid]];
}

kernel void overflow(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                     uint gid [[thread_position_in_grid]]) {
  out[gid] = in[gid] + 2147483600;
}

kernel void no_integer(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                       uint gid [[thread_position_in_grid]]) {
  out[gid] = int(float(in[gid]) * 1e9f);
}
