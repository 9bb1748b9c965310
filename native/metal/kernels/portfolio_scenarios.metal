// Profit and loss of scenarios.
#include <metal_stdlib>
using namespace metal;

namespace scenarios {

struct Params {
  uint positions;
  uint factors;
  uint first;  // scenarios before the first one of this run
  uint end;
  uint has_gamma;
  uint has_factors;  // whether positions name theirs
  float unit;        // that exposures are counted in, a power of two
};

// NaN for what has no finite number.
inline float KnownOrNaN(float x) { return isfinite(x) ? x : NAN; }

}  // namespace scenarios

// One simdgroup for each scenario. A factor: its net delta and half of its net gamma, two floats each.
kernel void scenario_pnl_f32(constant scenarios::Params& p [[buffer(0)]],
                             device const float* moves [[buffer(1)]],
                             device const float* exposures [[buffer(2)]], device float* pnl [[buffer(3)]],
                             uint place [[thread_position_in_grid]],
                             uint lane [[thread_index_in_simdgroup]]) {
  const uint scenario = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (scenario >= p.end) return;
  device const float* row = moves + ulong(scenario) * p.factors;
  wide::Num sum = wide::Of(0.0f);
  for (uint factor = lane; factor < p.factors; factor += 32) {
    device const float* own = exposures + 4 * ulong(factor);
    const wide::Num delta = wide::Ordered(own[0], own[1]);
    const wide::Num half_gamma = wide::Ordered(own[2], own[3]);
    // A move on which nothing depends may be missing.
    if (delta.hi == 0.0f && half_gamma.hi == 0.0f) continue;
    const wide::Num move = wide::Of(row[factor]);
    sum = wide::Add(sum, wide::Mul(move, wide::Add(delta, wide::Mul(half_gamma, move))));
  }
  sum = wide::SimdSum(sum);
  if (lane == 0) pnl[scenario] = scenarios::KnownOrNaN(sum.hi * p.unit);
}

// One thread for each position of each scenario.
kernel void scenario_pnl_positions_f32(constant scenarios::Params& p [[buffer(0)]],
                                       device const float* moves [[buffer(1)]],
                                       device const float* delta [[buffer(2)]],
                                       device const float* gamma [[buffer(3)]],
                                       device const int* factor_of [[buffer(4)]],
                                       device float* by_position [[buffer(5)]],
                                       uint2 place [[thread_position_in_grid]]) {
  const uint position = place.x;
  const uint scenario = p.first + place.y;
  if (position >= p.positions || scenario >= p.end) return;
  const uint factor = p.has_factors != 0 ? uint(factor_of[position]) : position;
  const float slope = delta[position];
  const float half_gamma = p.has_gamma != 0 ? 0.5f * gamma[position] : 0.0f;
  float earned = 0.0f;
  if (slope != 0.0f || half_gamma != 0.0f) {
    const wide::Num move = wide::Of(moves[ulong(scenario) * p.factors + factor]);
    const wide::Num by = wide::Add(wide::Of(slope), wide::Mul(wide::Of(half_gamma), move));
    earned = scenarios::KnownOrNaN(wide::Mul(by, move).hi);
  }
  by_position[ulong(scenario) * p.positions + position] = earned;
}
