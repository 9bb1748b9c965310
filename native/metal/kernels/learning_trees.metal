// Histograms of gradient-boosted trees. Sums are integers of 64 bits: whatever order threads add in, the bits
// are the same.
#include <metal_stdlib>
using namespace metal;

namespace trees {

constant constexpr uint kGroup = 256;
constant constexpr uint kChunk = 4096;  // rows of a group
constant constexpr uint kCells = 1024;  // up to which a group adds in memory of its own
constant constexpr uint kWords = 5;     // of a cell: gradients and hessians, low words first, and rows

struct Params {
  uint rows;
  uint features;
  uint nodes;
  uint bins;
  uint first;  // pieces before the first one of this run
  uint tile;   // features of a piece
  uint tiles;
  uint shares;  // whether all nodes of a tile have room in the memory of a group
  int gradient_scale;
  int hessian_scale;
};

// x 2^scale as an integer, halves away from 0; as FixedOf of core/learning_call.h.
inline long FixedOf(float x, int scale) {
  int exponent_x = 0;
  const ulong mantissa = exact::MantissaOf(x, exponent_x);
  const int shift = exponent_x + scale;
  if (shift < -24) return 0;
  const ulong size =
      shift >= 0 ? mantissa << uint(shift) : (mantissa + (ulong(1) << uint(-shift - 1))) >> uint(-shift);
  return exact::IsNegative(x) ? -long(size) : long(size);
}

// There are no atomic sums of 64 bits: what the low word carries goes into the high one.
inline void AddOwn(threadgroup atomic_uint* to, long value) {
  const uint low = uint(ulong(value));
  const uint before = atomic_fetch_add_explicit(to, low, memory_order_relaxed);
  const uint high = uint(ulong(value) >> 32) + (before + low < low ? 1u : 0u);
  if (high != 0) atomic_fetch_add_explicit(to + 1, high, memory_order_relaxed);
}
inline void AddAll(device atomic_uint* to, long value) {
  const uint low = uint(ulong(value));
  const uint before = atomic_fetch_add_explicit(to, low, memory_order_relaxed);
  const uint high = uint(ulong(value) >> 32) + (before + low < low ? 1u : 0u);
  if (high != 0) atomic_fetch_add_explicit(to + 1, high, memory_order_relaxed);
}

inline long OwnAt(threadgroup atomic_uint* from) {
  const ulong low = atomic_load_explicit(from, memory_order_relaxed);
  const ulong high = atomic_load_explicit(from + 1, memory_order_relaxed);
  return long(high << 32 | low);
}

}  // namespace trees

// A group: a chunk of rows by a tile of features. Cells are [node][feature][bin].
kernel void tree_histograms_f32(
    constant trees::Params& p [[buffer(0)]], device const uchar* bins [[buffer(1)]],
    device const float* gradients [[buffer(2)]], device const float* hessians [[buffer(3)]],
    device const int* nodes [[buffer(4)]], device atomic_uint* table [[buffer(5)]],
    uint group [[threadgroup_position_in_grid]], uint thread_index [[thread_index_in_threadgroup]]) {
  threadgroup atomic_uint own[trees::kCells * trees::kWords];
  const uint chunk = (p.first + group) / p.tiles;
  const uint feature = (p.first + group) % p.tiles * p.tile;
  const uint width = min(p.tile, p.features - feature);
  const bool shares = p.shares != 0;
  const uint cells = p.nodes * width * p.bins;
  if (shares) {
    for (uint i = thread_index; i < cells * trees::kWords; i += trees::kGroup)
      atomic_store_explicit(&own[i], 0u, memory_order_relaxed);
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = thread_index; i < trees::kChunk; i += trees::kGroup) {
    const uint row = chunk * trees::kChunk + i;
    if (row >= p.rows) break;
    const int node = nodes[row];
    if (node < 0) continue;
    const long gradient = trees::FixedOf(gradients[row], p.gradient_scale);
    const long hessian = trees::FixedOf(hessians[row], p.hessian_scale);
    device const uchar* from = bins + ulong(row) * p.features + feature;
    for (uint at = 0; at < width; ++at) {
      const uint bin = from[at];
      if (bin >= p.bins) continue;
      if (shares) {
        threadgroup atomic_uint* cell = own + ((uint(node) * width + at) * p.bins + bin) * trees::kWords;
        trees::AddOwn(cell, gradient);
        trees::AddOwn(cell + 2, hessian);
        atomic_fetch_add_explicit(cell + 4, 1u, memory_order_relaxed);
      } else {
        const ulong place = (ulong(node) * p.features + feature + at) * p.bins + bin;
        device atomic_uint* cell = table + place * trees::kWords;
        trees::AddAll(cell, gradient);
        trees::AddAll(cell + 2, hessian);
        atomic_fetch_add_explicit(cell + 4, 1u, memory_order_relaxed);
      }
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (!shares) return;
  for (uint i = thread_index; i < cells; i += trees::kGroup) {
    threadgroup atomic_uint* from = own + i * trees::kWords;
    const uint count = atomic_load_explicit(from + 4, memory_order_relaxed);
    if (count == 0) continue;
    const uint node = i / (width * p.bins);
    const uint rest = i % (width * p.bins);
    device atomic_uint* to = table + ((ulong(node) * p.features + feature) * p.bins + rest) * trees::kWords;
    trees::AddAll(to, trees::OwnAt(from));
    trees::AddAll(to + 2, trees::OwnAt(from + 2));
    atomic_fetch_add_explicit(to + 4, count, memory_order_relaxed);
  }
}
