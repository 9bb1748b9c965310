// Counts of values in bins, and the STREAM triad.
#include <metal_stdlib>
using namespace metal;

namespace histogram {

constant constexpr uint kGroup = 256;
constant constexpr uint kChunk = 4096;  // values of a group
constant constexpr uint kTable = 2048;  // bins up to which a group counts in memory of its own

struct Params {
  uint count;
  uint bins;
  uint first_chunk;
  float last;  // the largest f32 that the last bin holds
};

// How many of the edges are not above x.
inline uint EdgesUpTo(device const float* edges, uint count, float x) {
  uint low = 0;
  uint high = count;
  while (low < high) {
    const uint middle = low + (high - low) / 2;
    if (exact::KeyOf(edges[middle]) <= exact::KeyOf(x)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace histogram

// `edges` are the lower ones of all bins, each rounded up to f32, so that a comparison has the answer it has
// in f64.
kernel void histogram_f32(constant histogram::Params& p [[buffer(0)]],
                          device const float* values [[buffer(1)]], device const float* edges [[buffer(2)]],
                          device atomic_uint* counts [[buffer(3)]],
                          uint group [[threadgroup_position_in_grid]],
                          uint thread_index [[thread_index_in_threadgroup]]) {
  threadgroup atomic_uint table[histogram::kTable];
  const bool shares = p.bins <= histogram::kTable;
  if (shares) {
    for (uint i = thread_index; i < p.bins; i += histogram::kGroup)
      atomic_store_explicit(&table[i], 0u, memory_order_relaxed);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  const ulong start = ulong(p.first_chunk + group) * histogram::kChunk;
  for (uint i = thread_index; i < histogram::kChunk; i += histogram::kGroup) {
    if (start + i >= p.count) break;
    const float x = values[start + i];
    if (isnan(x) || exact::KeyOf(x) > exact::KeyOf(p.last)) continue;
    const uint upto = histogram::EdgesUpTo(edges, p.bins, x);
    if (upto == 0) continue;
    if (shares) {
      atomic_fetch_add_explicit(&table[upto - 1], 1u, memory_order_relaxed);
    } else {
      atomic_fetch_add_explicit(counts + upto - 1, 1u, memory_order_relaxed);
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (!shares) return;
  for (uint i = thread_index; i < p.bins; i += histogram::kGroup) {
    const uint own = atomic_load_explicit(&table[i], memory_order_relaxed);
    if (own > 0) atomic_fetch_add_explicit(counts + i, own, memory_order_relaxed);
  }
}

namespace triad {

struct Params {
  uint length;
  uint first;  // numbers before the first one of this run
  float scalar;
};

}  // namespace triad

// out = b + scalar c, without fusing.
kernel void triad_f32(constant triad::Params& p [[buffer(0)]], device const float* b [[buffer(1)]],
                      device const float* c [[buffer(2)]], device float* out [[buffer(3)]],
                      uint place [[thread_position_in_grid]]) {
  const uint at = p.first + place;
  if (at >= p.length) return;
  const float product = p.scalar * c[at];
  out[at] = b[at] + product;
}
