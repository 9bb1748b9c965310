// Kernels of the self test: the way from a source to results, and where threads are.
#include <metal_stdlib>
using namespace metal;

struct ScaleArguments {
  uint count;
  float factor;
};

kernel void scale(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                  constant ScaleArguments& arguments [[buffer(2)]], uint gid [[thread_position_in_grid]]) {
  if (gid < arguments.count) out[gid] = in[gid] * arguments.factor;
}

// out[group] = sum of 256 inputs, through threadgroup memory.
kernel void group_sum(device const uint* in [[buffer(0)]], device uint* out [[buffer(1)]],
                      uint gid [[thread_position_in_grid]], uint lid [[thread_position_in_threadgroup]],
                      uint group [[threadgroup_position_in_grid]]) {
  threadgroup uint parts[256];
  parts[lid] = in[gid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint step = 128u; step > 0u; step /= 2u) {
    if (lid < step) parts[lid] += parts[lid + step];
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (lid == 0u) out[group] = parts[0];
}

// 24 words of each thread of a grid of three dimensions: all that it can know of where it is.
kernel void where(device uint* out [[buffer(0)]], uint3 at [[thread_position_in_grid]],
                  uint3 threads [[threads_per_grid]], uint3 group [[threadgroup_position_in_grid]],
                  uint3 groups [[threadgroups_per_grid]], uint3 local [[thread_position_in_threadgroup]],
                  uint3 size [[threads_per_threadgroup]], uint3 asked [[dispatch_threads_per_threadgroup]],
                  uint index [[thread_index_in_threadgroup]], ushort lane [[thread_index_in_simdgroup]],
                  uint width [[threads_per_simdgroup]], uint simdgroup [[simdgroup_index_in_threadgroup]],
                  uint simdgroups [[simdgroups_per_threadgroup]]) {
  device uint* row = out + 26u * ((at.z * threads.y + at.y) * threads.x + at.x);
  const uint3 all[7] = {at, threads, group, groups, local, size, asked};
  for (uint i = 0u; i < 7u; ++i) {
    for (uint axis = 0u; axis < 3u; ++axis) row[3u * i + axis] = all[i][axis];
  }
  row[21] = index;
  row[22] = lane;
  row[23] = width;
  row[24] = simdgroup;
  row[25] = simdgroups;
}

[[max_total_threads_per_threadgroup(64)]] kernel void at_most_64(device uint* out [[buffer(0)]],
                                                                 ushort2 at [[thread_position_in_grid]]) {
  out[at.x] = at.y;
}

kernel void too_much_memory(device float* out [[buffer(0)]], uint lid [[thread_position_in_threadgroup]]) {
  threadgroup float values[8193];
  values[lid] = out[lid];
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[lid] = values[lid + 1u];
}

// Threadgroup memory and private memory that nobody set.
kernel void garbage(device float* out [[buffer(0)]], uint gid [[thread_position_in_grid]]) {
  threadgroup float shared_values[4];
  float own_values[4];
  out[2u * gid] = shared_values[gid % 4u];
  out[2u * gid + 1u] = own_values[gid % 4u];
}

kernel void product_and_sum(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                            uint gid [[thread_position_in_grid]]) {
  out[gid] = in[3u * gid] * in[3u * gid + 1u] + in[3u * gid + 2u];
}
