// Options on a basket. The numbers of a path lie in memory of its threadgroup, a column for each thread: they
// are too many for registers.
#include <metal_stdlib>
using namespace metal;

namespace montecarlo {

// Numbers of all threads of a group: few, so that a processor holds several groups, or as many as there can
// be.
constant constexpr uint kNarrow = 2048;
constant constexpr uint kWide = 8192;

// One thread's numbers, of those of a group of `stride` threads.
struct Column {
  threadgroup float* own;
  uint stride;

  float Get(uint row) const thread { return own[row * stride]; }
  void Set(uint row, float value) const thread { own[row * stride] = value; }
};

constant constexpr uint kBasketMean = 0;
constant constexpr uint kGeometric = 1;
constant constexpr uint kBestOf = 2;

// Money is counted in units that are a power of two near the level.
struct BasketParams {
  uint key0;
  uint key1;
  uint philox_rounds;
  uint samples;
  uint first;  // simdgroups before the first one of this run
  uint end;
  uint assets;
  uint steps;
  uint signs;
  uint payoff;
  uint is_call;
  uint average;
  uint deltas;
  uint control;
  float strike[2];
  float by_steps[2];
  float geometric_log[2];  // what the log of the geometric level has beside the shares of the logs
  float scale[2];
  float control_scale[2];
  float known[2];
};

// [asset] each: drift of the log, spot times weight, and the share of the weights in two floats.
struct Assets {
  device const float* drift;
  device const float* money;
  device const float* share;
  device const float* factor;
};

// Where the rows of a path begin: normals, logs, the slopes of this path, those of the sample.
struct BasketRows {
  uint z;
  uint logs;
  uint slopes;
  uint sample_slopes;
};

struct Level {
  Exact worth;
  uint chosen;  // of a best or worst
};

inline Exact GeometricLevel(constant BasketParams& p, thread const Assets& assets, Column own, uint logs) {
  Exact sum = ExactOf(p.geometric_log[0], p.geometric_log[1]);
  for (uint i = 0; i < p.assets; ++i) {
    const Exact share = ExactOf(assets.share[2 * i], assets.share[2 * i + 1]);
    sum = Add(sum, Times(share, ExactOf(own.Get(logs + i), 0.0f)));
  }
  const float level = Exp(sum.high);
  return Sum(level, level * sum.low);
}

inline Level LevelOf(constant BasketParams& p, thread const Assets& assets, Column own, uint logs) {
  Level level;
  level.chosen = 0;
  if (p.payoff == kGeometric) {
    level.worth = GeometricLevel(p, assets, own, logs);
    return level;
  }
  level.worth = ExactOf(assets.money[0] * Exp(own.Get(logs)), 0.0f);
  for (uint i = 1; i < p.assets; ++i) {
    const float price = assets.money[i] * Exp(own.Get(logs + i));
    if (p.payoff == kBasketMean) {
      level.worth = Add(level.worth, ExactOf(price, 0.0f));
    } else if (p.payoff == kBestOf ? price > level.worth.high : price < level.worth.high) {
      level.worth = ExactOf(price, 0.0f);
      level.chosen = i;
    }
  }
  return level;
}

// What a level owes the log of one asset.
inline float Slope(constant BasketParams& p, thread const Assets& assets, Column own, uint logs,
                   thread const Level& level, uint asset) {
  if (p.payoff == kGeometric) return assets.share[2 * asset] * level.worth.high;
  if (p.payoff != kBasketMean && level.chosen != asset) return 0.0f;
  return assets.money[asset] * Exp(own.Get(logs + asset));
}

inline Exact Inner(constant BasketParams& p, Exact level) {
  const float sign = p.is_call != 0 ? 1.0f : -1.0f;
  return Add(ExactOf(sign * level.high, sign * level.low), ExactOf(-sign * p.strike[0], -sign * p.strike[1]));
}

// Runs one path to its end: the logs, and with a mean over the steps the sum of the levels and of their
// slopes.
inline Exact RunBasket(constant BasketParams& p, thread const Assets& assets, Column own,
                       thread const BasketRows& rows, uint path, float mirror) {
  for (uint i = 0; i < p.assets; ++i) own.Set(rows.logs + i, 0.0f);
  draws::PathNormals normals;
  normals.Start(p.key0, p.key1, p.philox_rounds, 0u, path);
  Exact levels = ExactOf(0.0f, 0.0f);
  for (uint step = 0; step < p.steps; ++step) {
    for (uint i = 0; i < p.assets; ++i) own.Set(rows.z + i, mirror * normals.Next());
    for (uint i = 0; i < p.assets; ++i) {
      device const float* const factor = assets.factor + i * p.assets;
      float log = own.Get(rows.logs + i) + assets.drift[i];
      for (uint j = 0; j <= i; ++j) log = fma(factor[j], own.Get(rows.z + j), log);
      own.Set(rows.logs + i, log);
    }
    if (p.average == 0) continue;
    const Level level = LevelOf(p, assets, own, rows.logs);
    levels = Add(levels, level.worth);
    if (p.deltas == 0) continue;
    for (uint i = 0; i < p.assets; ++i) {
      const float before = step == 0 ? 0.0f : own.Get(rows.slopes + i);
      own.Set(rows.slopes + i, before + Slope(p, assets, own, rows.logs, level, i));
    }
  }
  return levels;
}

// Returns what one sample is worth, and leaves its slopes.
inline Exact BasketSample(constant BasketParams& p, thread const Assets& assets, Column own,
                          thread const BasketRows& rows, uint path) {
  Exact worth = ExactOf(p.known[0], p.known[1]);
  for (uint sign = 0; sign < p.signs; ++sign) {
    const Exact levels = RunBasket(p, assets, own, rows, path, sign == 0 ? 1.0f : -1.0f);
    Level level;
    if (p.average != 0) {
      level.chosen = 0;
      level.worth = Times(levels, ExactOf(p.by_steps[0], p.by_steps[1]));
    } else {
      level = LevelOf(p, assets, own, rows.logs);
    }
    const Exact inner = Inner(p, level.worth);
    const bool pays = inner.high > 0.0f;
    if (pays) worth = Add(worth, Times(ExactOf(p.scale[0], p.scale[1]), inner));
    if (p.control != 0) {
      const Exact control = Inner(p, GeometricLevel(p, assets, own, rows.logs));
      if (control.high > 0.0f)
        worth = Add(worth, Times(ExactOf(p.control_scale[0], p.control_scale[1]), control));
    }
    if (p.deltas == 0) continue;
    for (uint i = 0; i < p.assets; ++i) {
      const float slope = p.average != 0 ? own.Get(rows.slopes + i) * p.by_steps[0]
                                         : Slope(p, assets, own, rows.logs, level, i);
      const float before = sign == 0 ? 0.0f : own.Get(rows.sample_slopes + i);
      own.Set(rows.sample_slopes + i, before + (pays ? slope : 0.0f));
    }
  }
  return worth;
}

// Leaves the sums of one number of each lane of a simdgroup.
inline void SaveLanes(Exact value, bool counts, device float* to, uint lane) {
  Sums sums;
  sums.Start(simd_broadcast_first(value.high));
  if (counts) sums.See(value);
  sums.Save(to, lane);
}

inline void BasketGroup(constant BasketParams& p, thread const Assets& assets, device float* sums, Column own,
                        uint place, uint lane) {
  const uint group = p.first + place / 32;
  // The same for all lanes of a simdgroup; there are no barriers of a threadgroup.
  if (group >= p.end) return;
  BasketRows rows;
  rows.z = 0;
  rows.logs = p.assets;
  rows.sample_slopes = 2 * p.assets;
  rows.slopes = 3 * p.assets;
  const uint path = group * 32 + lane;
  const bool counts = path < p.samples;
  Exact worth = ExactOf(0.0f, 0.0f);
  if (counts) worth = BasketSample(p, assets, own, rows, path);
  const uint figures = p.deltas != 0 ? 1 + p.assets : 1;
  device float* const to = sums + ulong(group) * figures * kSums;
  SaveLanes(worth, counts, to, lane);
  for (uint i = 1; i < figures; ++i) {
    const float slope = counts ? own.Get(rows.sample_slopes + i - 1) : 0.0f;
    SaveLanes(ExactOf(slope, 0.0f), counts, to + i * kSums, lane);
  }
}

}  // namespace montecarlo

kernel void mc_basket_f32(constant montecarlo::BasketParams& p [[buffer(0)]],
                          device const float* drift [[buffer(1)]], device const float* money [[buffer(2)]],
                          device const float* share [[buffer(3)]], device const float* factor [[buffer(4)]],
                          device float* sums [[buffer(5)]], uint place [[thread_position_in_grid]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint thread_index [[thread_index_in_threadgroup]],
                          uint threads [[threads_per_threadgroup]]) {
  threadgroup float numbers[montecarlo::kNarrow];
  montecarlo::Assets assets;
  assets.drift = drift;
  assets.money = money;
  assets.share = share;
  assets.factor = factor;
  montecarlo::Column own;
  own.own = numbers + thread_index;
  own.stride = threads;
  montecarlo::BasketGroup(p, assets, sums, own, place, lane);
}

kernel void mc_basket_wide_f32(
    constant montecarlo::BasketParams& p [[buffer(0)]], device const float* drift [[buffer(1)]],
    device const float* money [[buffer(2)]], device const float* share [[buffer(3)]],
    device const float* factor [[buffer(4)]], device float* sums [[buffer(5)]],
    uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]],
    uint thread_index [[thread_index_in_threadgroup]], uint threads [[threads_per_threadgroup]]) {
  threadgroup float numbers[montecarlo::kWide];
  montecarlo::Assets assets;
  assets.drift = drift;
  assets.money = money;
  assets.share = share;
  assets.factor = factor;
  montecarlo::Column own;
  own.own = numbers + thread_index;
  own.stride = threads;
  montecarlo::BasketGroup(p, assets, sums, own, place, lane);
}
