// The profit of portfolios over simulated returns. As for baskets, the numbers of a path lie in memory of its
// threadgroup.
#include <metal_stdlib>
using namespace metal;

namespace montecarlo {

// Normal returns: a position earns what its factor of y is worth, or with log returns value expm1(mean +
// deviation y).
struct PortfolioParams {
  uint key0;
  uint key1;
  uint philox_rounds;
  uint paths;
  uint first;
  uint end;
  uint assets;
  uint log_returns;
  float unit;     // that money is counted in, a power of two
  float mean[2];  // of the profit without log returns
};

// A position: [asset][6], three numbers of two floats each.
struct Position {
  Exact worth;  // value; without log returns times deviation
  Exact mean;
  Exact deviation;
};
inline Position PositionOf(device const float* from) {
  Position position;
  position.worth = ExactOf(from[0], from[1]);
  position.mean = ExactOf(from[2], from[3]);
  position.deviation = ExactOf(from[4], from[5]);
  return position;
}

inline Exact Profit(constant PortfolioParams& p, device const float* positions, device const float* factor,
                    Column own, uint path) {
  draws::PathNormals normals;
  normals.Start(p.key0, p.key1, p.philox_rounds, 0u, path);
  for (uint i = 0; i < p.assets; ++i) own.Set(i, normals.Next());
  Exact profit = ExactOf(p.mean[0], p.mean[1]);
  for (uint i = 0; i < p.assets; ++i) {
    float y = 0.0f;
    for (uint j = 0; j <= i; ++j) y = fma(factor[ulong(i) * p.assets + j], own.Get(j), y);
    const Position position = PositionOf(positions + 6 * i);
    Exact moved = ExactOf(y, 0.0f);
    if (p.log_returns != 0) {
      const Exact log = Add(position.mean, Times(position.deviation, moved));
      const float grown = Expm1(log.high);
      moved = Sum(grown, log.low * (grown + 1.0f));
    }
    profit = Add(profit, Times(position.worth, moved));
  }
  return profit;
}

inline void PortfolioGroup(constant PortfolioParams& p, device const float* positions,
                           device const float* factor, device float* pnl, device float* sums, Column own,
                           uint place, uint lane) {
  const uint group = p.first + place / 32;
  if (group >= p.end) return;
  const uint path = group * 32 + lane;
  const bool counts = path < p.paths;
  Exact profit = ExactOf(0.0f, 0.0f);
  if (counts) {
    profit = Profit(p, positions, factor, own, path);
    pnl[path] = profit.high * p.unit;
  }
  SaveLanes(profit, counts, sums + ulong(group) * kSums, lane);
}

}  // namespace montecarlo

kernel void mc_portfolio_f32(constant montecarlo::PortfolioParams& p [[buffer(0)]],
                             device const float* positions [[buffer(1)]],
                             device const float* factor [[buffer(2)]], device float* pnl [[buffer(3)]],
                             device float* sums [[buffer(4)]], uint place [[thread_position_in_grid]],
                             uint lane [[thread_index_in_simdgroup]],
                             uint thread_index [[thread_index_in_threadgroup]],
                             uint threads [[threads_per_threadgroup]]) {
  threadgroup float numbers[montecarlo::kNarrow];
  montecarlo::Column own;
  own.own = numbers + thread_index;
  own.stride = threads;
  montecarlo::PortfolioGroup(p, positions, factor, pnl, sums, own, place, lane);
}

kernel void mc_portfolio_wide_f32(constant montecarlo::PortfolioParams& p [[buffer(0)]],
                                  device const float* positions [[buffer(1)]],
                                  device const float* factor [[buffer(2)]], device float* pnl [[buffer(3)]],
                                  device float* sums [[buffer(4)]], uint place [[thread_position_in_grid]],
                                  uint lane [[thread_index_in_simdgroup]],
                                  uint thread_index [[thread_index_in_threadgroup]],
                                  uint threads [[threads_per_threadgroup]]) {
  threadgroup float numbers[montecarlo::kWide];
  montecarlo::Column own;
  own.own = numbers + thread_index;
  own.stride = threads;
  montecarlo::PortfolioGroup(p, positions, factor, pnl, sums, own, place, lane);
}
