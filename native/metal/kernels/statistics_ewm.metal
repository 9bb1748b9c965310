// Exponentially weighted statistics: one thread goes through each series, and keeps its sums from piece to
// piece.
#include <metal_stdlib>
using namespace metal;

namespace ewm {

struct Params {
  uint series;
  uint first_bar;
  uint bars;
  uint need;  // values before the first answer
  uint adjust;
  uint ignore_na;
  uint bias;
  float keep;  // what is left of each weight a bar later, in two parts
  float keep_rest;
  float fresh;  // weight of a new value
  float fresh_rest;
};

constant constexpr int kMean = 0;
constant constexpr int kVar = 1;
constant constexpr int kStd = 2;
constant constexpr int kCovariance = 3;
constant constexpr int kCorrelation = 4;

// Weights fade no further than this, which is nothing beside a new one: f32 has no room for a gap of hundreds
// of bars.
constant constexpr float kFaded = 0x1p-60f;

inline wide::Num Split(float hi, float lo) {
  wide::Num a;
  a.hi = hi;
  a.lo = lo;
  return a;
}

inline wide::Num Grown(wide::Num rest, wide::Num moment, wide::Num across, wide::Num one, wide::Num other) {
  return wide::Add(wide::Mul(rest, moment), wide::Mul(across, wide::Mul(one, other)));
}

// The sums as they were at the last value. While values are missing only `fade` changes, by which all weights
// are to be multiplied: answers repeat, however long that takes (in f64 weights are 0 after a thousand bars
// or so, and the CPU's unbiased answers NaN from then on). See Ewm in native/cpu/statistics/ewm.cc for the
// sums.
struct State {
  uint n;
  wide::Num fade, w, cross, mean_x, mean_y, xx, yy, xy;

  void Clear() thread {
    n = 0;
    fade = wide::Of(1.0f);
    w = cross = mean_x = mean_y = xx = yy = xy = wide::Of(0.0f);
  }

  // Calls visit(number) for each part of the state but the count.
  template <class Visit>
  void Fields(thread Visit& visit) thread {
    visit.Number(fade);
    visit.Number(w);
    visit.Number(cross);
    visit.Number(mean_x);
    visit.Number(mean_y);
    visit.Number(xx);
    visit.Number(yy);
    visit.Number(xy);
  }

  void Fade(constant Params& p) thread {
    if (fade.hi < kFaded && p.keep > 0.0f) return;
    fade = wide::Mul(fade, Split(p.keep, p.keep_rest));
  }

  template <int kWhat>
  void Take(constant Params& p, float x, float y) thread {
    const bool is_first = p.adjust == 0 && n == 0;
    const wide::Num fresh = Split(is_first ? 1.0f : p.fresh, is_first ? 0.0f : p.fresh_rest);
    const wide::Num before = wide::Mul(w, fade);
    const wide::Num total = wide::Add(before, fresh);
    const wide::Num per = wide::Div(wide::Of(1.0f), total);
    const wide::Num share = wide::Mul(fresh, per);
    const wide::Num dx = wide::Sub(wide::Of(x), mean_x);
    wide::Num dy = dx;
    if (kWhat >= kCovariance) dy = wide::Sub(wide::Of(y), mean_y);
    if (kWhat != kMean) {
      const wide::Num rest = wide::Mul(before, per);
      const wide::Num across = wide::Mul(rest, share);
      if (kWhat != kCovariance) xx = Grown(rest, xx, across, dx, dx);
      if (kWhat >= kCovariance) xy = Grown(rest, xy, across, dx, dy);
      if (kWhat == kCorrelation) yy = Grown(rest, yy, across, dy, dy);
      const wide::Num faded = wide::Mul(cross, wide::Mul(fade, fade));
      cross = wide::Add(wide::Scaled(wide::Mul(before, fresh), 2.0f), faded);
      if (p.adjust == 0) cross = wide::Mul(cross, wide::Mul(per, per));
    }
    mean_x = wide::Add(mean_x, wide::Mul(dx, share));
    if (kWhat >= kCovariance) mean_y = wide::Add(mean_y, wide::Mul(dy, share));
    w = wide::Of(1.0f);
    if (p.adjust != 0) w = total;
    fade = wide::Of(1.0f);
    ++n;
  }

  template <int kWhat>
  float Answer(constant Params& p) const thread {
    if (n < p.need) return NAN;
    if (kWhat == kMean) return wide::Round(mean_x, 0);
    if (kWhat == kCorrelation) {
      const wide::Num spread = wide::Mul(wide::Sqrt(xx), wide::Sqrt(yy));
      const float value = wide::Round(wide::Div(xy, spread), 0);
      return value < -1.0f ? -1.0f : value > 1.0f ? 1.0f : value;
    }
    wide::Num value = xx;
    if (kWhat == kCovariance) value = xy;
    if (p.bias == 0) {
      if (!(cross.hi > 0.0f)) return NAN;
      value = wide::Mul(value, wide::Div(wide::Mul(w, w), cross));
    }
    if (kWhat == kStd) value = wide::Sqrt(value);
    return wide::Round(value, 0);
  }
};

struct Load {
  device const float* from;
  ulong step;
  void Number(thread wide::Num& number) thread {
    number.hi = from[0];
    number.lo = from[step];
    from += 2 * step;
  }
};
struct Save {
  device float* to;
  ulong step;
  bool whole;  // whether all numbers are finite
  void Number(thread wide::Num& number) thread {
    whole = whole && isfinite(number.hi);
    to[0] = number.hi;
    to[step] = number.lo;
    to += 2 * step;
  }
};

// One series over the bars of this run. Sets `broken` when a sum left the range of f32.
template <int kWhat>
inline void Go(constant Params& p, device const float* x, device const float* y, device float* out,
               device float* sums, device uint* counts, device atomic_uint* broken, uint series) {
  if (series >= p.series) return;
  State state;
  state.Clear();
  if (p.first_bar > 0) {
    Load load;
    load.from = sums + series;
    load.step = p.series;
    state.Fields(load);
    state.n = counts[series];
  }
  for (uint row = p.first_bar; row < p.first_bar + p.bars; ++row) {
    const ulong at = ulong(row) * p.series + series;
    const float one = x[at];
    const float other = kWhat >= kCovariance ? y[at] : one;
    const bool valid = isfinite(one) && isfinite(other);
    // Without an observation weights fade too, unless missing bars do not count.
    if (valid || p.ignore_na == 0) state.Fade(p);
    if (valid) state.Take<kWhat>(p, one, other);
    out[at] = state.Answer<kWhat>(p);
  }
  Save save;
  save.to = sums + series;
  save.step = p.series;
  save.whole = true;
  state.Fields(save);
  counts[series] = state.n;
  if (!save.whole) atomic_store_explicit(broken, 1u, memory_order_relaxed);
}

}  // namespace ewm

kernel void ewm_mean_f32(constant ewm::Params& p [[buffer(0)]], device atomic_uint* broken [[buffer(1)]],
                         device float* sums [[buffer(2)]], device uint* counts [[buffer(3)]],
                         device float* out [[buffer(4)]], device const float* values [[buffer(5)]],
                         uint series [[thread_position_in_grid]]) {
  ewm::Go<ewm::kMean>(p, values, values, out, sums, counts, broken, series);
}

kernel void ewm_var_f32(constant ewm::Params& p [[buffer(0)]], device atomic_uint* broken [[buffer(1)]],
                        device float* sums [[buffer(2)]], device uint* counts [[buffer(3)]],
                        device float* out [[buffer(4)]], device const float* values [[buffer(5)]],
                        uint series [[thread_position_in_grid]]) {
  ewm::Go<ewm::kVar>(p, values, values, out, sums, counts, broken, series);
}

kernel void ewm_std_f32(constant ewm::Params& p [[buffer(0)]], device atomic_uint* broken [[buffer(1)]],
                        device float* sums [[buffer(2)]], device uint* counts [[buffer(3)]],
                        device float* out [[buffer(4)]], device const float* values [[buffer(5)]],
                        uint series [[thread_position_in_grid]]) {
  ewm::Go<ewm::kStd>(p, values, values, out, sums, counts, broken, series);
}

kernel void ewm_covariance_f32(constant ewm::Params& p [[buffer(0)]],
                               device atomic_uint* broken [[buffer(1)]], device float* sums [[buffer(2)]],
                               device uint* counts [[buffer(3)]], device float* out [[buffer(4)]],
                               device const float* x [[buffer(5)]], device const float* y [[buffer(6)]],
                               uint series [[thread_position_in_grid]]) {
  ewm::Go<ewm::kCovariance>(p, x, y, out, sums, counts, broken, series);
}

kernel void ewm_correlation_f32(constant ewm::Params& p [[buffer(0)]],
                                device atomic_uint* broken [[buffer(1)]], device float* sums [[buffer(2)]],
                                device uint* counts [[buffer(3)]], device float* out [[buffer(4)]],
                                device const float* x [[buffer(5)]], device const float* y [[buffer(6)]],
                                uint series [[thread_position_in_grid]]) {
  ewm::Go<ewm::kCorrelation>(p, x, y, out, sums, counts, broken, series);
}
