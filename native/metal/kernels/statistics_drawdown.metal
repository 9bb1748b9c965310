// How far each series is below its highest value so far, and the worst of it: one thread goes through each
// series.
#include <metal_stdlib>
using namespace metal;

namespace drawdown {

struct Params {
  uint series;
  uint first_bar;
  uint bars;
  uint all_bars;
  uint relative;
  uint wanted;  // bits: start, trough, recovery
};

// Distance of x to its peak, as the CPU has it in f64: x / peak - 1, or x - peak.
inline exact::Double FallOf(bool relative, float x, float peak) {
  if (relative) return exact::Sub(exact::Quotient(x, peak), exact::OfUint(1));
  return exact::Sub(exact::OfFloat(x), exact::OfFloat(peak));
}

// A GPU takes denormal numbers for equal; integers that order like them are not.
inline bool IsAbove(float x, float y) { return exact::KeyOf(x) > exact::KeyOf(y); }

// A ratio to a peak that is not positive means nothing.
inline bool IsDefined(bool relative, float peak) { return !relative || IsAbove(peak, 0.0f); }

// What is kept of a series; bars that do not exist are `all_bars`.
struct Worst {
  float peak;
  float low;    // where the worst fall ended
  float level;  // the peak that it began at
  uint peak_bar;
  uint start;
  uint trough;
  uint recovery;
  uint seen;

  void Clear(uint none) thread {
    peak = level = -INFINITY;
    low = 0.0f;
    peak_bar = start = trough = recovery = none;
    seen = 0;
  }
  void Load(device const uint* from, ulong step) thread {
    peak = as_type<float>(from[0]);
    low = as_type<float>(from[step]);
    level = as_type<float>(from[2 * step]);
    peak_bar = from[3 * step];
    start = from[4 * step];
    trough = from[5 * step];
    recovery = from[6 * step];
    seen = from[7 * step];
  }
  void Save(device uint* to, ulong step) const thread {
    to[0] = as_type<uint>(peak);
    to[step] = as_type<uint>(low);
    to[2 * step] = as_type<uint>(level);
    to[3 * step] = peak_bar;
    to[4 * step] = start;
    to[5 * step] = trough;
    to[6 * step] = recovery;
    to[7 * step] = seen;
  }
};

}  // namespace drawdown

kernel void drawdown_f32(constant drawdown::Params& p [[buffer(0)]], device float* peaks [[buffer(1)]],
                         device const float* values [[buffer(2)]], device float* out [[buffer(3)]],
                         uint series [[thread_position_in_grid]]) {
  if (series >= p.series) return;
  const bool relative = p.relative != 0;
  float peak = p.first_bar == 0 ? -INFINITY : peaks[series];
  for (uint bar = p.first_bar; bar < p.first_bar + p.bars; ++bar) {
    const ulong at = ulong(bar) * p.series + series;
    const float x = values[at];
    const bool valid = isfinite(x);
    if (valid && drawdown::IsAbove(x, peak)) peak = x;
    const bool defined = valid && drawdown::IsDefined(relative, peak);
    out[at] = defined ? exact::ToFloat(drawdown::FallOf(relative, x, peak)) : NAN;
  }
  peaks[series] = peak;
}

kernel void max_drawdown_f32(constant drawdown::Params& p [[buffer(0)]], device uint* states [[buffer(1)]],
                             device const float* values [[buffer(2)]], device float* depths [[buffer(3)]],
                             device uint* starts [[buffer(4)]], device uint* troughs [[buffer(5)]],
                             device uint* recoveries [[buffer(6)]], uint series [[thread_position_in_grid]]) {
  if (series >= p.series) return;
  const bool relative = p.relative != 0;
  const uint none = p.all_bars;
  drawdown::Worst worst;
  worst.Clear(none);
  if (p.first_bar > 0) worst.Load(states + series, p.series);
  exact::Double depth = exact::Zero();
  if (worst.seen != 0) depth = drawdown::FallOf(relative, worst.low, worst.level);
  for (uint bar = p.first_bar; bar < p.first_bar + p.bars; ++bar) {
    const float x = values[ulong(bar) * p.series + series];
    if (!isfinite(x)) continue;
    if (drawdown::IsAbove(x, worst.peak)) {
      worst.peak = x;
      worst.peak_bar = bar;
    }
    bool deeper = false;
    if (drawdown::IsDefined(relative, worst.peak)) {
      const exact::Double fall = drawdown::FallOf(relative, x, worst.peak);
      deeper = worst.seen == 0 || exact::IsLess(fall, depth);
      if (deeper) depth = fall;
    }
    if (deeper) {
      worst.seen = 1;
      worst.low = x;
      worst.level = worst.peak;
      worst.start = worst.peak_bar;
      worst.trough = bar;
      worst.recovery = none;
    } else if (!drawdown::IsAbove(worst.level, x) && worst.recovery == none) {
      worst.recovery = bar;
    }
  }
  worst.Save(states + series, p.series);
  if (p.first_bar + p.bars < p.all_bars) return;
  const bool fell = worst.seen != 0 && depth.negative && depth.mantissa != 0;
  depths[series] = worst.seen != 0 ? exact::ToFloat(depth) : NAN;
  if ((p.wanted & 1) != 0) starts[series] = worst.start;
  if ((p.wanted & 2) != 0) troughs[series] = worst.trough;
  if ((p.wanted & 4) != 0) recoveries[series] = fell ? worst.recovery : worst.trough;
}
