// Order statistics of whole columns and rows: a simdgroup finds each one digit by digit, from the highest
// (radix selection).
#include <metal_stdlib>
using namespace metal;

namespace selection {

constant constexpr uint kLanes = 32;
constant constexpr uint kGroup = 256;  // threads of a group: eight simdgroups
constant constexpr uint kDigits = 256;
constant constexpr uint kBins = kGroup / kLanes * kDigits;
constant constexpr uint kOwn = kDigits / kLanes;  // digits that a lane counts together

struct Params {
  uint rows;     // of a panel: bars
  uint columns;  // series
  uint first;    // items before the first one of this run
  uint items;    // up to the end of this run
  uint method;
  uint nth;
};

struct ClipParams {
  uint series;
  uint first;
  uint bars;  // up to the end of this run
  uint lower_low;
  uint lower_high;
  uint upper_low;
  uint upper_high;
};

// How many values are finite.
inline uint CountOf(thread const rolling::Window& column, uint lane) {
  uint n = 0;
  for (uint row = lane; row < column.rows; row += kLanes) n += isfinite(column[row]) ? 1 : 0;
  return simd_sum(n);
}

// The digit of the value with `rank` values below it, of counts of all digits; takes the values of smaller
// digits off the rank.
inline uint DigitAt(threadgroup atomic_uint* bins, thread uint& rank, uint lane) {
  uint own[kOwn];
  uint all = 0;
  for (uint i = 0; i < kOwn; ++i) {
    own[i] = atomic_load_explicit(bins + lane * kOwn + i, memory_order_relaxed);
    all += own[i];
  }
  uint before = simd_prefix_exclusive_sum(all);
  uint found = 0;
  uint below = 0;
  for (uint i = 0; i < kOwn; ++i) {
    if (before <= rank && rank < before + own[i]) {
      found = lane * kOwn + i;
      below = before;
    }
    before += own[i];
  }
  // One lane has found it, the others add nothing.
  rank -= simd_sum(below);
  return simd_sum(found);
}

// Keys of the value with `rank` values below it, of more than `rank` finite ones, and of the next. `bins` has
// room for the counts of this simdgroup.
inline uint2 SelectTwo(thread const rolling::Window& column, uint rank, threadgroup atomic_uint* bins,
                       uint lane) {
  uint value = 0;
  for (uint shift = 32; shift > 0;) {
    shift -= 8;
    for (uint i = lane; i < kDigits; i += kLanes) atomic_store_explicit(bins + i, 0u, memory_order_relaxed);
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint row = lane; row < column.rows; row += kLanes) {
      const float x = column[row];
      if (!isfinite(x)) continue;
      const uint key = exact::KeyOf(x);
      if (shift < 24 && key >> (shift + 8) != value) continue;
      atomic_fetch_add_explicit(bins + (key >> shift & (kDigits - 1)), 1u, memory_order_relaxed);
    }
    simdgroup_barrier(mem_flags::mem_threadgroup);
    value = value << 8 | DigitAt(bins, rank, lane);
    simdgroup_barrier(mem_flags::mem_threadgroup);
  }
  uint equal = 0;
  uint above = UINT_MAX;
  for (uint row = lane; row < column.rows; row += kLanes) {
    const float x = column[row];
    if (!isfinite(x)) continue;
    const uint key = exact::KeyOf(x);
    equal += key == value ? 1 : 0;
    if (key > value) above = min(above, key);
  }
  equal = simd_sum(equal);
  above = simd_min(above);
  return uint2(value, rank + 1 < equal || above == UINT_MAX ? value : above);
}

// The quantile of `n` finite values.
inline exact::Double QuantileOf(thread const rolling::Window& column, uint n, uint method,
                                exact::Double probability, threadgroup atomic_uint* bins, uint lane) {
  const exact::QuantilePlace place = exact::PlaceOf(n, probability);
  const uint2 keys = SelectTwo(column, place.low, bins, lane);
  return exact::Between(method, place, exact::FromKey(keys.x), exact::FromKey(keys.y));
}

inline rolling::Window ColumnOf(constant Params& p, device const float* values, uint column) {
  rolling::Window all;
  all.oldest = values + column;
  all.stride = p.columns;
  all.rows = p.rows;
  return all;
}

}  // namespace selection

// Simdgroup i: a quantile of a series; neighbours take neighbouring series.
kernel void quantiles_f32(constant selection::Params& p [[buffer(0)]],
                          device const float* values [[buffer(1)]],
                          device const uint* probabilities [[buffer(2)]], device float* out [[buffer(3)]],
                          uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup atomic_uint bins[selection::kBins];
  const uint item = p.first + place / selection::kLanes;
  // The same for all lanes of a simdgroup; there is no barrier of the group.
  if (item >= p.items) return;
  const uint at = item / p.columns;
  const rolling::Window column = selection::ColumnOf(p, values, item % p.columns);
  const uint n = selection::CountOf(column, lane);
  float answer = NAN;
  if (n > 0) {
    const exact::Double probability = exact::OfBits(probabilities[2 * at], probabilities[2 * at + 1]);
    answer = exact::ToFloat(
        selection::QuantileOf(column, n, p.method, probability, bins + simdgroup * selection::kDigits, lane));
  }
  if (lane == 0) out[item] = answer;
}

// Simdgroup i: a series.
kernel void nth_smallest_f32(constant selection::Params& p [[buffer(0)]],
                             device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                             uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]],
                             uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup atomic_uint bins[selection::kBins];
  const uint item = p.first + place / selection::kLanes;
  if (item >= p.items) return;
  const rolling::Window column = selection::ColumnOf(p, values, item);
  float answer = NAN;
  if (p.nth < selection::CountOf(column, lane)) {
    answer =
        exact::FromKey(selection::SelectTwo(column, p.nth, bins + simdgroup * selection::kDigits, lane).x);
  }
  if (lane == 0) out[item] = answer;
}

// Simdgroup i: a bar, whose values are clipped at two of its quantiles.
kernel void cross_winsorise_f32(constant selection::ClipParams& p [[buffer(0)]],
                                device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                                uint place [[thread_position_in_grid]],
                                uint lane [[thread_index_in_simdgroup]],
                                uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup atomic_uint all_bins[selection::kBins];
  threadgroup atomic_uint* bins = all_bins + simdgroup * selection::kDigits;
  const uint bar = p.first + place / selection::kLanes;
  if (bar >= p.bars) return;
  rolling::Window row;
  row.oldest = values + ulong(bar) * p.series;
  row.stride = 1;
  row.rows = p.series;
  const uint n = selection::CountOf(row, lane);
  exact::Double low = exact::Zero();
  exact::Double high = exact::Zero();
  if (n > 0) {
    low = selection::QuantileOf(row, n, 0, exact::OfBits(p.lower_low, p.lower_high), bins, lane);
    high = selection::QuantileOf(row, n, 0, exact::OfBits(p.upper_low, p.upper_high), bins, lane);
  }
  device float* own = out + ulong(bar) * p.series;
  for (uint i = lane; i < p.series; i += selection::kLanes) {
    const float x = row[i];
    float clipped = isfinite(x) ? x : NAN;
    if (isfinite(x)) {
      const exact::Double value = exact::OfFloat(x);
      if (exact::IsLess(value, low)) {
        clipped = exact::ToFloat(low);
      } else if (exact::IsLess(high, value)) {
        clipped = exact::ToFloat(high);
      }
    }
    own[i] = clipped;
  }
}
