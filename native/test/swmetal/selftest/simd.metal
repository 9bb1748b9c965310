// Kernels of the self test: what the threads of a simdgroup do together.
#include <metal_stdlib>
using namespace metal;

// 16 words of each thread.
kernel void together(device const int* in [[buffer(0)]], device int* out [[buffer(1)]],
                     uint gid [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  const int x = in[gid];
  device int* y = out + 18u * gid;
  y[0] = simd_sum(x);
  y[1] = simd_min(x);
  y[2] = simd_max(x);
  y[3] = simd_shuffle(x, ushort(lane / 2u));
  y[4] = lane < 16u ? x : 0;
  const int down = simd_shuffle_down(x, 1);
  y[5] = lane < 31u ? down : 0;
  y[6] = simd_shuffle_xor(x, 1);
  y[7] = simd_broadcast(x, 3);
  y[8] = simd_prefix_exclusive_sum(x);
  y[9] = simd_prefix_inclusive_sum(x);
  y[10] = int(simd_prefix_exclusive_sum(uint(x)));
  y[11] = int(simd_prefix_inclusive_sum(float(x % 1000)));
  y[12] = int(simd_sum(float(x % 1000)));
  y[13] = int(simd_sum(uint(x)));
  y[14] = simd_any(x % 50 == 0) ? 1 : 0;
  y[15] = simd_all(x % 50 != 0) ? 1 : 0;
  y[16] = simd_xor(x);
  y[17] = int(simd_max(float(x % 1000)) + simd_min(float(x % 1000)));
}

// The last simdgroup of a threadgroup may be smaller, and only the first sums the sums.
kernel void total(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                  uint lid [[thread_index_in_threadgroup]], uint lane [[thread_index_in_simdgroup]],
                  uint simdgroup [[simdgroup_index_in_threadgroup]],
                  uint simdgroups [[simdgroups_per_threadgroup]]) {
  threadgroup float sums[32];
  const float sum = simd_sum(in[lid]);
  if (lane == 0u) sums[simdgroup] = sum;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup != 0u) return;
  const float all = simd_sum(lane < simdgroups ? sums[lane] : 0.0f);
  if (lane == 0u) out[0] = all;
}

// c = a b + c of 16x16 matrices, one simdgroup for each 8x8 block of c.
kernel void blocks(device const float* a [[buffer(0)]], device const float* b [[buffer(1)]],
                   device float* c [[buffer(2)]], uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  const uint row = 8u * (simdgroup / 2u), column = 8u * (simdgroup % 2u);
  simdgroup_float8x8 sum, left, right;
  simdgroup_load(sum, c + row * 16u + column, 16);
  for (uint k = 0u; k < 16u; k += 8u) {
    simdgroup_load(left, a + row * 16u + k, 16);
    simdgroup_load(right, b, 16, ulong2(column, k));
    simdgroup_multiply_accumulate(sum, left, right, sum);
  }
  simdgroup_store(sum, c + row * 16u + column, 16);
}

// out = (in in^T) in of 8x8 matrices: products as operands, loads that transpose, threadgroup memory.
kernel void chain(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                  uint lane [[thread_index_in_simdgroup]]) {
  threadgroup float copy[64];
  for (uint i = lane; i < 64u; i += 32u) copy[i] = in[i];
  simdgroup_barrier(mem_flags::mem_threadgroup);
  simdgroup_float8x8 straight, transposed, product;
  simdgroup_load(straight, in);
  simdgroup_load(transposed, copy, 8, ulong2(0, 0), true);
  simdgroup_multiply(product, straight, transposed);
  simdgroup_multiply(product, product, straight);
  simdgroup_store(product, out);
}

kernel void sum_in_a_branch(device float* out [[buffer(0)]], uint lane [[thread_index_in_simdgroup]]) {
  float x = float(lane);
  if (lane < 16u) x = simd_sum(x);
  out[lane] = x;
}

kernel void barrier_in_a_branch(device float* out [[buffer(0)]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup float x[64];
  x[lid] = 1.0f;
  if (lid < 32u) threadgroup_barrier(mem_flags::mem_threadgroup);
  out[lid] = x[63u - lid];
}

kernel void return_before_barrier(device float* out [[buffer(0)]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup float x[64];
  if (lid > 60u) return;
  x[lid] = 1.0f;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[lid] = x[63u - lid];
}

kernel void sum_beside_a_barrier(device float* out [[buffer(0)]], uint lane [[thread_index_in_simdgroup]]) {
  float x = float(lane);
  if (lane < 16u) x = simd_sum(x);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  out[lane] = x;
}

kernel void two_sums(device float* out [[buffer(0)]], uint lane [[thread_index_in_simdgroup]]) {
  float x = float(lane);
  if (lane < 16u) {
    x = simd_sum(x);
  } else {
    x = simd_max(x) + 1.0f;
  }
  out[lane] = x;
}
