// Options on one underlying: paths to payoffs, payoffs to sums for the price and its Greeks.
#include <metal_stdlib>
using namespace metal;

namespace montecarlo {

constant constexpr uint kModels = 9;
constant constexpr uint kFigures = 6;

// Numbers as in the arguments of the kernel and in native/cpu/montecarlo/paths.h; checked on the host.
constant constexpr uint kWatchEnd = 0;
constant constexpr uint kWatchMeans = 1;
constant constexpr uint kWatchExtremes = 2;
constant constexpr uint kEuropean = 0;
constant constexpr uint kDigital = 1;
constant constexpr uint kAsian = 2;
constant constexpr uint kAsianGeometric = 3;
constant constexpr uint kBarrier = 4;
constant constexpr uint kLookbackFixed = 5;
constant constexpr uint kNoControl = 0;
constant constexpr uint kSpotControl = 1;

// Money is counted in units that are a power of two near the levels, so that squares of it stay within the
// floats. Numbers of two floats are the host's doubles.
struct OptionParams {
  uint key0;
  uint key1;
  uint philox_rounds;
  uint samples;
  uint turns;  // pairs of samples of each thread
  uint first;  // simdgroups before the first one of this run
  uint end;    // and before the first one of the next run
  uint steps;
  uint signs;  // 2 for mirrored pairs
  uint models;
  uint figures;
  uint watch;
  uint payoff;
  uint control;
  uint is_call;
  uint barrier_is_up;
  uint barrier_ends;     // rather than begins
  uint barrier_dates;    // whether it is watched at the dates alone
  uint barrier_crossed;  // at the start
  float by_unit;         // 1 / unit
  float strike[2];
  float barrier[2];
  float rebate[2];
  float payout[2];
  Levels levels;
  Grid grid;
  Model model[kModels];
};

// The figures of one sample: row 0; row 1 - row 2; row 1 - 2 row 0 + row 2; row 3 - row 4; 5 - 6; 7 - 8.
struct Figures {
  Exact of[kFigures];

  void Start() thread {
    for (uint i = 0; i < kFigures; ++i) of[i] = ExactOf(0.0f, 0.0f);
  }
  // `row` is the same for all threads.
  void See(uint row, Exact value) thread {
    switch (row) {
      case 0:
        of[0] = Add(of[0], value);
        of[2] = Add(of[2], ExactOf(-2.0f * value.high, -2.0f * value.low));
        break;
      case 1:
        of[1] = Add(of[1], value);
        of[2] = Add(of[2], value);
        break;
      case 2:
        of[1] = Less(of[1], value);
        of[2] = Add(of[2], value);
        break;
      case 3:
        of[3] = Add(of[3], value);
        break;
      case 4:
        of[3] = Less(of[3], value);
        break;
      case 5:
        of[4] = Add(of[4], value);
        break;
      case 6:
        of[4] = Less(of[4], value);
        break;
      case 7:
        of[5] = Add(of[5], value);
        break;
      default:
        of[5] = Less(of[5], value);
        break;
    }
  }
};

inline Exact Two(constant const float (&number)[2]) { return ExactOf(number[0], number[1]); }

inline Exact Vanilla(constant OptionParams& p, float level) {
  const float sign = p.is_call != 0 ? 1.0f : -1.0f;
  const Exact inner =
      Add(ExactOf(sign * level * p.by_unit, 0.0f), ExactOf(-sign * p.strike[0], -sign * p.strike[1]));
  return inner.high > 0.0f ? ExactOf(inner.high, inner.low) : ExactOf(0.0f, 0.0f);
}

inline Exact BarrierPayoff(constant OptionParams& p, thread const Ends& ends) {
  const float level = p.barrier_is_up != 0 ? ends.high : ends.low;
  const float above = Add(ExactOf(level * p.by_unit, 0.0f), Negated(Two(p.barrier))).high;
  float survival = p.barrier_crossed != 0 ? 0.0f : ends.survival;
  if (p.barrier_dates != 0) survival = (p.barrier_is_up != 0 ? above < 0.0f : above > 0.0f) ? 1.0f : 0.0f;
  const Exact dies = Sum(1.0f, -survival);
  const Exact survives = ExactOf(survival, 0.0f);
  const bool ends_it = p.barrier_ends != 0;
  return Add(Times(ends_it ? survives : dies, Vanilla(p, ends.spot)),
             Times(ends_it ? dies : survives, Two(p.rebate)));
}

inline Exact Payoff(constant OptionParams& p, thread const Ends& ends) {
  switch (p.payoff) {
    case kEuropean:
      return Vanilla(p, ends.spot);
    case kDigital: {
      const float above = Add(ExactOf(ends.spot * p.by_unit, 0.0f), Negated(Two(p.strike))).high;
      return (p.is_call != 0 ? above > 0.0f : above < 0.0f) ? Two(p.payout) : ExactOf(0.0f, 0.0f);
    }
    case kAsian:
      return Vanilla(p, ends.mean);
    case kAsianGeometric:
      return Vanilla(p, ends.geometric_mean);
    case kBarrier:
      return BarrierPayoff(p, ends);
    case kLookbackFixed:
      return Vanilla(p, p.is_call != 0 ? ends.high : ends.low);
    default:
      return p.is_call != 0 ? Sum(ends.spot * p.by_unit, -ends.low * p.by_unit)
                            : Sum(ends.high * p.by_unit, -ends.spot * p.by_unit);
  }
}

inline Exact Worth(constant OptionParams& p, constant Model& m, thread const Ends& ends) {
  const Exact payoff = Times(Two(m.scale), Payoff(p, ends));
  if (p.control == kNoControl) return payoff;
  const Exact control =
      p.control == kSpotControl ? ExactOf(ends.spot * p.by_unit, 0.0f) : Vanilla(p, ends.geometric_mean);
  return Add(payoff, Times(Two(m.control_scale), control));
}

// Variants are the models, and their mirror images after them.
inline uint ModelOf(constant OptionParams& p, uint variant) {
  return variant < p.models ? variant : variant - p.models;
}

// Simulates two neighbouring samples; kTogether variants share the normals, a divisor of their number.
template <class Process, class Watch, uint kTogether>
inline void SimulatePair(constant OptionParams& p, device const float* table, uint pair,
                         thread Figures (&figures)[2]) {
  for (uint first = 0; first < p.models * p.signs; first += kTogether) {
    Walker walker[kTogether][2];
    Watch watch[kTogether][2];
    for (uint i = 0; i < kTogether; ++i) {
      for (uint path = 0; path < 2; ++path) {
        Process::Start(p.model[ModelOf(p, first + i)], walker[i][path]);
        watch[i][path].Start(walker[i][path].x);
      }
    }
    draws::Normals normals;
    normals.Start(p.key0, p.key1, p.philox_rounds, 0u, pair);
    for (uint step = 0; step < p.steps; ++step) {
      float2 both[Process::kFactors];
      for (uint factor = 0; factor < Process::kFactors; ++factor) both[factor] = normals.Next();
      for (uint i = 0; i < kTogether; ++i) {
        const float mirror = first + i < p.models ? 1.0f : -1.0f;
        for (uint path = 0; path < 2; ++path) {
          float z[Process::kFactors];
          for (uint factor = 0; factor < Process::kFactors; ++factor)
            z[factor] = mirror * (path == 0 ? both[factor].x : both[factor].y);
          const float before = walker[i][path].x;
          Process::Step(p.model[ModelOf(p, first + i)], p.grid, table, step, z, walker[i][path]);
          watch[i][path].See(p.levels, before, walker[i][path]);
        }
      }
    }
    for (uint i = 0; i < kTogether; ++i) {
      const uint model = ModelOf(p, first + i);
      for (uint path = 0; path < 2; ++path) {
        Ends ends = {};
        ends.spot = Exp(walker[i][path].x) * p.levels.base;
        watch[i][path].Save(p.levels, ends);
        figures[path].See(model, Worth(p, p.model[model], ends));
      }
    }
  }
}

template <class Process, uint kTogether>
inline void Watched(constant OptionParams& p, device const float* table, uint pair,
                    thread Figures (&figures)[2]) {
  switch (p.watch) {
    case kWatchEnd:
      return SimulatePair<Process, WatchEnd, kTogether>(p, table, pair, figures);
    case kWatchMeans:
      return SimulatePair<Process, WatchMeans, kTogether>(p, table, pair, figures);
    case kWatchExtremes:
      return SimulatePair<Process, WatchExtremes, kTogether>(p, table, pair, figures);
    default:
      return SimulatePair<Process, WatchCrossing, kTogether>(p, table, pair, figures);
  }
}

// A simdgroup takes 64 samples in a turn and leaves one sum for each figure.
template <class Process, uint kTogether, uint kMirrored>
inline void SimulateGroup(constant OptionParams& p, device const float* table, device float* sums, uint place,
                          uint lane) {
  const uint group = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (group >= p.end) return;
  Sums own[kFigures];
  for (uint turn = 0; turn < p.turns; ++turn) {
    const uint pair = (group * p.turns + turn) * 32 + lane;
    Figures figures[2];
    for (uint path = 0; path < 2; ++path) {
      figures[path].Start();
      for (uint model = 0; model < p.models; ++model) figures[path].See(model, Two(p.model[model].known));
    }
    if (2 * pair < p.samples) {
      if (p.signs == 2) {
        Watched<Process, kMirrored>(p, table, pair, figures);
      } else {
        Watched<Process, kTogether>(p, table, pair, figures);
      }
    }
    if (turn == 0) {
      for (uint i = 0; i < kFigures; ++i) own[i].Start(simd_broadcast_first(figures[0].of[i].high));
    }
    for (uint path = 0; path < 2; ++path) {
      if (2 * pair + path >= p.samples) continue;
      for (uint i = 0; i < kFigures; ++i) own[i].See(figures[path].of[i]);
    }
  }
  device float* const to = sums + ulong(group) * p.figures * kSums;
  for (uint i = 0; i < kFigures; ++i) {
    if (i < p.figures) own[i].Save(to + i * kSums, lane);
  }
}

}  // namespace montecarlo

kernel void mc_option_gbm_f32(constant montecarlo::OptionParams& p [[buffer(0)]],
                              device const float* table [[buffer(1)]], device float* sums [[buffer(2)]],
                              uint place [[thread_position_in_grid]],
                              uint lane [[thread_index_in_simdgroup]]) {
  montecarlo::SimulateGroup<montecarlo::Gbm, 1, 2>(p, table, sums, place, lane);
}

// With Greeks: one more kernel, for it keeps nine paths at a time.
kernel void mc_option_gbm_greeks_f32(constant montecarlo::OptionParams& p [[buffer(0)]],
                                     device const float* table [[buffer(1)]],
                                     device float* sums [[buffer(2)]], uint place [[thread_position_in_grid]],
                                     uint lane [[thread_index_in_simdgroup]]) {
  montecarlo::SimulateGroup<montecarlo::Gbm, montecarlo::kModels, montecarlo::kModels>(p, table, sums, place,
                                                                                       lane);
}

kernel void mc_option_merton_f32(constant montecarlo::OptionParams& p [[buffer(0)]],
                                 device const float* table [[buffer(1)]], device float* sums [[buffer(2)]],
                                 uint place [[thread_position_in_grid]],
                                 uint lane [[thread_index_in_simdgroup]]) {
  montecarlo::SimulateGroup<montecarlo::Merton, 1, 2>(p, table, sums, place, lane);
}

kernel void mc_option_heston_f32(constant montecarlo::OptionParams& p [[buffer(0)]],
                                 device const float* table [[buffer(1)]], device float* sums [[buffer(2)]],
                                 uint place [[thread_position_in_grid]],
                                 uint lane [[thread_index_in_simdgroup]]) {
  montecarlo::SimulateGroup<montecarlo::Heston, 1, 2>(p, table, sums, place, lane);
}

kernel void mc_option_local_vol_f32(constant montecarlo::OptionParams& p [[buffer(0)]],
                                    device const float* table [[buffer(1)]], device float* sums [[buffer(2)]],
                                    uint place [[thread_position_in_grid]],
                                    uint lane [[thread_index_in_simdgroup]]) {
  montecarlo::SimulateGroup<montecarlo::LocalVol, 1, 2>(p, table, sums, place, lane);
}
