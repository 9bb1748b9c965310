// Rolling quantile and rank: one thread for each value looks at its window again, and keeps nothing of it.
#include <metal_stdlib>
using namespace metal;

namespace order {

struct QuantileParams {
  uint method;
  uint probability_low;  // bits of an f64
  uint probability_high;
};

struct RankParams {
  uint ties;
  uint percent;
};

// The value of a window that has `rank` values below it, and the next one; keys. The value is enclosed by
// halves of the keys between two values of the window, so that few rounds are needed where values are close
// to one another.
inline uint2 SelectTwo(thread const rolling::Window& window, uint rank, uint smallest, uint largest) {
  uint low = smallest;
  uint high = largest;
  uint next = largest;
  for (;;) {
    const uint middle = low + (high - low) / 2;
    uint count = 0;
    uint below = low;       // the largest value up to `middle`
    uint above = UINT_MAX;  // the smallest value beyond it
    for (uint row = 0; row < window.rows; ++row) {
      const float x = window[row];
      if (!isfinite(x)) continue;
      const uint key = exact::KeyOf(x);
      if (key <= middle) {
        ++count;
        below = max(below, key);
      } else {
        above = min(above, key);
      }
    }
    if (low == high) {
      // `middle` is the value.
      next = rank + 1 < count || above == UINT_MAX ? low : above;
      break;
    }
    if (rank < count) {
      high = below;
    } else {
      low = above;
    }
  }
  return uint2(low, next);
}

inline uint CountOf(thread const rolling::Window& window, thread uint& smallest, thread uint& largest) {
  uint n = 0;
  smallest = UINT_MAX;
  largest = 0;
  for (uint row = 0; row < window.rows; ++row) {
    const float x = window[row];
    if (!isfinite(x)) continue;
    const uint key = exact::KeyOf(x);
    smallest = min(smallest, key);
    largest = max(largest, key);
    ++n;
  }
  return n;
}

inline float QuantileOf(thread const rolling::Window& window, uint need, constant QuantileParams& q) {
  uint smallest = 0;
  uint largest = 0;
  const uint n = CountOf(window, smallest, largest);
  if (n < need) return NAN;
  const exact::QuantilePlace place = exact::PlaceOf(n, exact::OfBits(q.probability_low, q.probability_high));
  const uint2 keys = SelectTwo(window, place.low, smallest, largest);
  return exact::ToFloat(exact::Between(q.method, place, exact::FromKey(keys.x), exact::FromKey(keys.y)));
}

// A share of `n` values, as the CPU has it in f64.
inline float ShareOf(float rank, uint n) { return exact::ToFloat(exact::Quotient(rank, float(n))); }

// The rank among `n` values of one that has `below` values below it and equals `equal` of them, itself
// included. Halves of numbers below 2^23 are exact.
inline float RankOf(uint ties, bool percent, uint below, uint equal, uint n) {
  const float lowest = float(below + 1);
  const float more = float(equal - 1);
  const float rank = ties == 0 ? lowest + more * 0.5f : ties == 1 ? lowest : lowest + more;
  return percent ? ShareOf(rank, n) : rank;
}

inline float NewestRank(thread const rolling::Window& window, uint need, constant RankParams& r) {
  const float newest = window[window.rows - 1];
  if (!isfinite(newest)) return NAN;
  const uint own = exact::KeyOf(newest);
  uint n = 0;
  uint below = 0;
  uint equal = 0;
  for (uint row = 0; row < window.rows; ++row) {
    const float x = window[row];
    if (!isfinite(x)) continue;
    const uint key = exact::KeyOf(x);
    ++n;
    below += key < own ? 1 : 0;
    equal += key == own ? 1 : 0;
  }
  return n < need ? NAN : RankOf(r.ties, r.percent != 0, below, equal, n);
}

}  // namespace order

kernel void rolling_quantile_f32(constant rolling::Params& p [[buffer(0)]],
                                 constant order::QuantileParams& q [[buffer(1)]],
                                 device const float* values [[buffer(2)]], device float* out [[buffer(3)]],
                                 uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = order::QuantileOf(window, p.need, q);
}

kernel void rolling_rank_f32(constant rolling::Params& p [[buffer(0)]],
                             constant order::RankParams& r [[buffer(1)]],
                             device const float* values [[buffer(2)]], device float* out [[buffer(3)]],
                             uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = order::NewestRank(window, p.need, r);
}
