// Where a return came from: one simdgroup for each period.
#include <metal_stdlib>
using namespace metal;

namespace attribution {

struct Params {
  uint columns;
  uint first;  // periods before the first one of this run
  uint end;
};

inline float KnownOrNaN(float x) { return isfinite(x) ? x : NAN; }

// A group of a portfolio and its benchmark.
struct Held {
  float own_weight;
  float base_weight;
  float own_return;
  float base_return;
};

// A return that is missing where nothing is held is that of the other side; 0 where neither holds anything.
inline Held HeldAt(device const float* own_weights, device const float* base_weights,
                   device const float* own_returns, device const float* base_returns, ulong at) {
  Held held;
  held.own_weight = own_weights[at];
  held.base_weight = base_weights[at];
  held.own_return = own_returns[at];
  held.base_return = base_returns[at];
  const bool no_own = held.own_weight == 0.0f;
  const bool no_base = held.base_weight == 0.0f;
  if (no_own && no_base) {
    held.own_return = 0.0f;
    held.base_return = 0.0f;
  } else if (no_own && !isfinite(held.own_return)) {
    held.own_return = held.base_return;
  } else if (no_base && !isfinite(held.base_return)) {
    held.base_return = held.own_return;
  }
  return held;
}

inline wide::Num Product(float a, float b) { return wide::Mul(wide::Of(a), wide::Of(b)); }

inline wide::Num Less(float a, float b) { return wide::Sum(a, -b); }

}  // namespace attribution

kernel void brinson_attribution_f32(
    constant attribution::Params& p [[buffer(0)]], device const float* own_weights [[buffer(1)]],
    device const float* base_weights [[buffer(2)]], device const float* own_returns [[buffer(3)]],
    device const float* base_returns [[buffer(4)]], device float* allocation [[buffer(5)]],
    device float* selection [[buffer(6)]], device float* interaction [[buffer(7)]],
    device float* active [[buffer(8)]], uint place [[thread_position_in_grid]],
    uint lane [[thread_index_in_simdgroup]]) {
  const uint period = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (period >= p.end) return;
  const ulong start = ulong(period) * p.columns;
  wide::Num base = wide::Of(0.0f);
  wide::Num own = wide::Of(0.0f);
  for (uint i = lane; i < p.columns; i += 32) {
    const attribution::Held held =
        attribution::HeldAt(own_weights, base_weights, own_returns, base_returns, start + i);
    base = wide::Add(base, attribution::Product(held.base_weight, held.base_return));
    own = wide::Add(own, attribution::Product(held.own_weight, held.own_return));
  }
  base = wide::SimdSum(base);
  own = wide::SimdSum(own);
  const float more = attribution::KnownOrNaN(wide::Sub(own, base).hi);
  if (lane == 0) active[period] = more;
  for (uint i = lane; i < p.columns; i += 32) {
    const ulong at = start + i;
    const attribution::Held held =
        attribution::HeldAt(own_weights, base_weights, own_returns, base_returns, at);
    const wide::Num weight = attribution::Less(held.own_weight, held.base_weight);
    const wide::Num better = attribution::Less(held.own_return, held.base_return);
    const wide::Num above = wide::Sub(wide::Of(held.base_return), base);
    const wide::Num selected = wide::Mul(wide::Of(held.base_weight), better);
    const bool none = isnan(more);
    allocation[at] = none ? NAN : attribution::KnownOrNaN(wide::Mul(weight, above).hi);
    selection[at] = none ? NAN : attribution::KnownOrNaN(selected.hi);
    interaction[at] = none ? NAN : attribution::KnownOrNaN(wide::Mul(weight, better).hi);
  }
}

kernel void factor_attribution_f32(
    constant attribution::Params& p [[buffer(0)]], device const float* exposures [[buffer(1)]],
    device const float* factor_returns [[buffer(2)]], device const float* returns [[buffer(3)]],
    device float* contributions [[buffer(4)]], device float* specific [[buffer(5)]],
    uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  const uint period = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (period >= p.end) return;
  const ulong start = ulong(period) * p.columns;
  wide::Num sum = wide::Of(0.0f);
  for (uint i = lane; i < p.columns; i += 32) {
    const float exposure = exposures[start + i];
    wide::Num given = wide::Of(0.0f);
    if (exposure != 0.0f) given = attribution::Product(exposure, factor_returns[start + i]);
    contributions[start + i] = attribution::KnownOrNaN(given.hi);
    sum = wide::Add(sum, given);
  }
  sum = wide::SimdSum(sum);
  if (lane == 0) specific[period] = attribution::KnownOrNaN(wide::Sub(wide::Of(returns[period]), sum).hi);
}
