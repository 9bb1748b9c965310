// Usage of limits in scenarios.
#include <metal_stdlib>
using namespace metal;

namespace limits {

constant constexpr uint kSide = 16;  // scenarios and limits of a group, and positions that it has at a time
constant constexpr int kGross = 0;
constant constexpr int kLoss = 2;

struct Params {
  uint scenarios;
  uint positions;
  uint limits;
  uint first;   // groups before the first one of this run
  uint across;  // groups along the limits
};

// sum + weight (exposure + earned), as the kind of limit counts it.
inline wide::Num AddValue(wide::Num sum, int kind, float weight, float exposure, float earned) {
  wide::Num value = kind == kLoss ? wide::Of(earned) : wide::Sum(exposure, earned);
  value = wide::Mul(value, wide::Of(weight));
  if (kind == kGross && value.hi < 0.0f) value = wide::Neg(value);
  return wide::Add(sum, value);
}

inline float UsageOf(int kind, wide::Num sum, float bound) {
  if (!isfinite(sum.hi)) return NAN;
  wide::Num amount = sum;
  if (kind == kLoss || sum.hi < 0.0f) amount = wide::Neg(sum);
  if (!(amount.hi > 0.0f) || isinf(bound)) return 0.0f;
  // Beyond the range of f32 there is no more than infinity, with a bound of 0 too.
  if (isinf(amount.hi / bound)) return INFINITY;
  return wide::Div(amount, wide::Of(bound)).hi;
}

}  // namespace limits

// A group: 16 scenarios by 16 limits, which go over the positions together.
kernel void limit_usage_f32(constant limits::Params& p [[buffer(0)]], device const float* pnl [[buffer(1)]],
                            device const float* exposures [[buffer(2)]],
                            device const float* weights [[buffer(3)]], device const int* kinds [[buffer(4)]],
                            device const float* bounds [[buffer(5)]], device float* usage [[buffer(6)]],
                            uint group [[threadgroup_position_in_grid]],
                            uint thread_index [[thread_index_in_threadgroup]]) {
  // Rows lie a number further apart than they are long, lest they fall on the same banks.
  threadgroup float part_pnl[limits::kSide][limits::kSide + 1];
  threadgroup float part_weights[limits::kSide][limits::kSide + 1];
  threadgroup float part_exposures[limits::kSide];
  const uint row = thread_index / limits::kSide;
  const uint column = thread_index % limits::kSide;
  const uint first_scenario = (p.first + group) / p.across * limits::kSide;
  const uint first_limit = (p.first + group) % p.across * limits::kSide;
  const uint scenario = first_scenario + row;
  const uint limit = first_limit + column;
  const bool counts = scenario < p.scenarios && limit < p.limits;
  const int kind = counts ? kinds[limit] : 0;
  wide::Num sum = wide::Of(0.0f);
  for (uint position = 0; position < p.positions; position += limits::kSide) {
    const uint own = position + column;
    if (own < p.positions) {
      if (scenario < p.scenarios) part_pnl[row][column] = pnl[ulong(scenario) * p.positions + own];
      if (first_limit + row < p.limits)
        part_weights[row][column] = weights[ulong(first_limit + row) * p.positions + own];
      if (row == 0) part_exposures[column] = exposures[own];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (counts) {
      const uint end = min(limits::kSide, p.positions - position);
      for (uint i = 0; i < end; ++i) {
        const float weight = part_weights[column][i];
        // A position that does not count may be missing.
        if (weight == 0.0f) continue;
        sum = limits::AddValue(sum, kind, weight, part_exposures[i], part_pnl[row][i]);
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  if (counts) usage[ulong(scenario) * p.limits + limit] = limits::UsageOf(kind, sum, bounds[limit]);
}
