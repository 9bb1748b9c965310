// Ranks and scores along the rows of a panel, and the order of the values of a row.
#include <metal_stdlib>
using namespace metal;

namespace rows {

constant constexpr uint kGroup = 256;
constant constexpr uint kNone = UINT_MAX;  // the key of NaN, beyond that of infinity

struct Params {
  uint columns;
  uint first;  // rows before the first one of this run
  uint ties;
  uint percent;
  uint descending;
};

struct ScoreParams {
  uint series;
  uint first;
  uint bars;  // up to the end of this run
  uint ddof;
};

inline uint KeyOf(float x, uint descending) {
  if (isnan(x)) return kNone;
  const uint key = exact::KeyOf(x);
  return descending != 0 ? ~key : key;
}

// How one value of a row compares with all of them.
struct Place {
  uint all;  // that are not NaN
  uint below;
  uint equal;
  uint earlier;  // of those that are equal
};

// Compares the value in `column` of a row with all of its values, a part of the row at a time that the group
// shares. All threads of a group must come here, also those beyond the row.
inline Place PlaceOf(constant Params& p, device const float* row, uint column, uint thread_index, uint own,
                     threadgroup uint* keys) {
  Place place;
  place.all = place.below = place.equal = place.earlier = 0;
  for (uint first = 0; first < p.columns; first += kGroup) {
    const uint at = first + thread_index;
    keys[thread_index] = at < p.columns ? KeyOf(row[at], p.descending) : kNone;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    const uint end = min(kGroup, p.columns - first);
    for (uint i = 0; i < end; ++i) {
      const uint key = keys[i];
      place.all += key != kNone ? 1 : 0;
      place.below += key < own ? 1 : 0;
      place.equal += key == own ? 1 : 0;
      place.earlier += key == own && first + i < column ? 1 : 0;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  return place;
}

// As CrossRankArgs::Ties; see order::RankOf.
inline float RankOf(constant Params& p, Place place) {
  if (p.ties != 3) return order::RankOf(p.ties, p.percent != 0, place.below, place.equal, place.all);
  const float rank = float(place.below + place.earlier + 1);
  return p.percent != 0 ? order::ShareOf(rank, place.all) : rank;
}

}  // namespace rows

// Group (x, y): part x of row y.
kernel void cross_rank_f32(constant rows::Params& p [[buffer(0)]], device const float* values [[buffer(1)]],
                           device float* out [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
                           uint2 thread_place [[thread_position_in_threadgroup]]) {
  threadgroup uint keys[rows::kGroup];
  const ulong start = ulong(p.first + group.y) * p.columns;
  const uint column = group.x * rows::kGroup + thread_place.x;
  const uint own = column < p.columns ? rows::KeyOf(values[start + column], 0) : rows::kNone;
  const rows::Place place = rows::PlaceOf(p, values + start, column, thread_place.x, own, keys);
  if (column < p.columns) out[start + column] = own == rows::kNone ? NAN : rows::RankOf(p, place);
}

// Group (x, y): part x of row y. NaN comes last either way.
kernel void argsort_f32(constant rows::Params& p [[buffer(0)]], device const float* values [[buffer(1)]],
                        device uint* out [[buffer(2)]], uint2 group [[threadgroup_position_in_grid]],
                        uint2 thread_place [[thread_position_in_threadgroup]]) {
  threadgroup uint keys[rows::kGroup];
  const ulong start = ulong(p.first + group.y) * p.columns;
  const uint column = group.x * rows::kGroup + thread_place.x;
  const uint own = column < p.columns ? rows::KeyOf(values[start + column], p.descending) : rows::kNone;
  const rows::Place place = rows::PlaceOf(p, values + start, column, thread_place.x, own, keys);
  if (column < p.columns) out[start + place.below + place.earlier] = column;
}

// Simdgroup i: a bar. Values come less one of them before anything is summed, so that a high level costs no
// digits.
kernel void cross_zscore_f32(constant rows::ScoreParams& p [[buffer(0)]],
                             device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                             uint place [[thread_position_in_grid]],
                             uint lane [[thread_index_in_simdgroup]]) {
  const uint bar = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (bar >= p.bars) return;
  device const float* row = values + ulong(bar) * p.series;
  uint n = 0;
  uint first_finite = p.series;
  for (uint i = lane; i < p.series; i += 32) {
    if (!isfinite(row[i])) continue;
    first_finite = min(first_finite, i);
    ++n;
  }
  n = simd_sum(n);
  first_finite = simd_min(first_finite);
  rolling::Origin origin;
  origin.value = first_finite < p.series ? row[first_finite] : 0.0f;
  float half_far = 0.0f;
  for (uint i = lane; i < p.series; i += 32) {
    if (isfinite(row[i])) half_far = max(half_far, fabs(0.5f * row[i] - 0.5f * origin.value));
  }
  origin.Scale(simd_max(half_far));
  wide::Num mean = wide::Of(0.0f);
  for (uint i = lane; i < p.series; i += 32) {
    if (isfinite(row[i])) mean = wide::Add(mean, origin.Shift(row[i]));
  }
  mean = wide::Div(wide::SimdSum(mean), wide::OfCount(max(n, 1u)));
  wide::Num spread = wide::Of(0.0f);
  for (uint i = lane; i < p.series; i += 32) {
    if (!isfinite(row[i])) continue;
    const wide::Num far = wide::Sub(origin.Shift(row[i]), mean);
    spread = wide::Add(spread, wide::Mul(far, far));
  }
  spread = wide::SimdSum(spread);
  const bool has = n > p.ddof && spread.hi > 0.0f;
  const wide::Num unit = wide::Sqrt(wide::Div(spread, wide::OfCount(has ? n - p.ddof : 1u)));
  for (uint i = lane; i < p.series; i += 32) {
    const float x = row[i];
    float score = NAN;
    if (has && isfinite(x)) score = wide::Round(wide::Div(wide::Sub(origin.Shift(x), mean), unit), 0);
    out[ulong(bar) * p.series + i] = score;
  }
}
