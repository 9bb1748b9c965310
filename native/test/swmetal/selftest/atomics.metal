// Kernels of the self test: atomic operations in device and threadgroup memory.
#include <metal_stdlib>
using namespace metal;

kernel void count(device atomic_uint* all [[buffer(0)]], device atomic_int* signed_ones [[buffer(1)]],
                  device atomic_float* sum [[buffer(2)]], uint gid [[thread_position_in_grid]]) {
  const int x = int(gid % 1000u) - 500;
  atomic_fetch_add_explicit(&all[0], 1u, memory_order_relaxed);
  atomic_fetch_max_explicit(&all[1], gid, memory_order_relaxed);
  atomic_fetch_or_explicit(&all[2], 1u << (gid % 32u), memory_order_relaxed);
  atomic_fetch_xor_explicit(&all[3], gid, memory_order_relaxed);
  atomic_fetch_add_explicit(&signed_ones[0], x, memory_order_relaxed);
  atomic_fetch_min_explicit(&signed_ones[1], x, memory_order_relaxed);
  atomic_fetch_sub_explicit(&signed_ones[2], x, memory_order_relaxed);
  atomic_fetch_add_explicit(sum, 0.5f, memory_order_relaxed);
}

// Each thread takes what another left and leaves its own; adds by compare and exchange.
kernel void exchange(device atomic_uint* cells [[buffer(0)]], device uint* taken [[buffer(1)]],
                     uint gid [[thread_position_in_grid]]) {
  taken[gid] = atomic_exchange_explicit(&cells[0], gid + 1u, memory_order_relaxed);
  uint before = atomic_load_explicit(&cells[1], memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&cells[1], &before, before + 3u, memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}

// The same sum by a load and a store, which loses additions.
kernel void lost_update(device atomic_uint* cells [[buffer(0)]], uint gid [[thread_position_in_grid]]) {
  const uint before = atomic_load_explicit(&cells[0], memory_order_relaxed);
  atomic_store_explicit(&cells[0], before + (gid < 100000u ? 1u : 0u), memory_order_relaxed);
}

kernel void histogram(device const uint* in [[buffer(0)]], device atomic_uint* out [[buffer(1)]],
                      uint gid [[thread_position_in_grid]], uint lid [[thread_index_in_threadgroup]]) {
  threadgroup atomic_uint bins[16];
  threadgroup atomic_int extra;
  if (lid < 16u) atomic_store_explicit(&bins[lid], 0u, memory_order_relaxed);
  if (lid == 16u) atomic_store_explicit(&extra, 0, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  atomic_fetch_add_explicit(&bins[in[gid] % 16u], 1u, memory_order_relaxed);
  atomic_fetch_add_explicit(&extra, 1, memory_order_relaxed);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (lid < 16u) {
    atomic_fetch_add_explicit(&out[lid], atomic_load_explicit(&bins[lid], memory_order_relaxed),
                              memory_order_relaxed);
  }
  if (lid == 16u) {
    atomic_fetch_add_explicit(&out[16], uint(atomic_exchange_explicit(&extra, 0, memory_order_relaxed)),
                              memory_order_relaxed);
  }
}
