// Rolling sums, extremes and moments: one thread for each value looks at its window again. Nothing is ever
// taken back, so a value that has left the window leaves no error behind.
#include <metal_stdlib>
using namespace metal;

namespace rolling {

struct Params {
  uint series;
  uint first_bar;
  uint bars;
  uint window;
  uint need;  // values that a window has to hold before it has an answer
  uint ddof;
};

// The rows of one value's window, oldest first.
struct Window {
  device const float* oldest;
  ulong stride;
  uint rows;

  float operator[](uint row) const thread { return oldest[row * stride]; }
};

inline bool IsOutside(constant Params& p, uint2 place) { return place.x >= p.series || place.y >= p.bars; }

// Where the value of a thread is: place.x is the series, place.y the bar after the first of this run.
inline ulong ElementOf(constant Params& p, uint2 place) {
  return ulong(p.first_bar + place.y) * p.series + place.x;
}

inline Window WindowOf(constant Params& p, device const float* values, uint2 place) {
  Window window;
  window.stride = p.series;
  window.rows = min(p.window, p.first_bar + place.y + 1);
  window.oldest = values + (ElementOf(p, place) - ulong(window.rows - 1) * p.series);
  return window;
}

// NaN and infinity are missing: they are skipped. Both parts of the sum grow without error to speak of
// (Neumaier 1974).
inline wide::Num SumOf(thread const Window& window, float scale, thread uint& n) {
  float sum = 0.0f;
  float rest = 0.0f;
  n = 0;
  for (uint row = 0; row < window.rows; ++row) {
    const float x = window[row];
    if (!isfinite(x)) continue;
    const wide::Num step = wide::Sum(sum, x * scale);
    sum = step.hi;
    rest += step.lo;
    ++n;
  }
  return wide::Sum(sum, rest);
}

template <bool kMean>
inline float SumOrMean(thread const Window& window, uint need) {
  uint n = 0;
  wide::Num sum = SumOf(window, 1.0f, n);
  if (n < need) return NAN;
  int exponent = 0;
  if (!isfinite(sum.hi)) {
    // A window holds fewer values than this, so that this sum is finite.
    exponent = 24;
    sum = SumOf(window, 0x1p-24f, n);
  }
  if (kMean) sum = wide::Div(sum, wide::OfCount(n));
  return wide::Round(sum, exponent);
}

// By integers that order like the values: a GPU takes denormal numbers for equal.
template <bool kLargest>
inline float ExtremeOf(thread const Window& window, uint need) {
  uint best = kLargest ? 0u : UINT_MAX;
  uint n = 0;
  for (uint row = 0; row < window.rows; ++row) {
    const float x = window[row];
    if (!isfinite(x)) continue;
    const uint key = exact::KeyOf(x);
    best = kLargest ? max(best, key) : min(best, key);
    ++n;
  }
  return n < need ? NAN : exact::FromKey(best);
}

// What is taken off the values of a window before anything is summed, one of them: so a high level costs no
// digits.
struct Origin {
  float value;
  float scale;  // 2^-exponent
  int exponent;
  uint n;

  void Find(thread const Window& window) thread {
    value = 0.0f;
    n = 0;
    float half_far = 0.0f;
    for (uint row = window.rows; row-- > 0;) {
      const float x = window[row];
      if (!isfinite(x)) continue;
      if (n == 0) value = x;
      half_far = max(half_far, fabs(0.5f * x - 0.5f * value));
      ++n;
    }
    Scale(half_far);
  }
  void Scale(float half_far) thread {
    exponent = wide::ExponentOf(half_far);
    scale = wide::PowerOf2(-exponent);
  }
  wide::Num Shift(float x) const thread { return wide::Sum(x * scale, -value * scale); }
};

// Sums of powers of the distance to the mean, in powers of 2^exponent.
template <int kPowers>
struct Moments {
  Origin origin;
  wide::Num power[kPowers - 1];

  void Find(thread const Window& window) thread {
    origin.Find(window);
    wide::Num mean = wide::Of(0.0f);
    for (uint row = 0; row < window.rows; ++row) {
      const float x = window[row];
      if (isfinite(x)) mean = wide::Add(mean, origin.Shift(x));
    }
    mean = wide::Div(mean, wide::OfCount(max(origin.n, 1u)));
    for (int i = 0; i < kPowers - 1; ++i) power[i] = wide::Of(0.0f);
    for (uint row = 0; row < window.rows; ++row) {
      const float x = window[row];
      if (!isfinite(x)) continue;
      const wide::Num far = wide::Sub(origin.Shift(x), mean);
      wide::Num term = far;
      for (int i = 0; i < kPowers - 1; ++i) {
        term = wide::Mul(term, far);
        power[i] = wide::Add(power[i], term);
      }
    }
  }
};

template <bool kRoot>
inline float SpreadOf(thread const Window& window, uint need, uint ddof) {
  Moments<2> moments;
  moments.Find(window);
  const uint n = moments.origin.n;
  if (n < need) return NAN;
  const wide::Num var = wide::Div(moments.power[0], wide::OfCount(n - ddof));
  const int exponent = moments.origin.exponent;
  return kRoot ? wide::Round(wide::Sqrt(var), exponent) : wide::Round(var, 2 * exponent);
}

// Joanes and Gill 1998, Comparing measures of sample skewness and kurtosis: G1. 0 / 0 where nothing moved.
inline float SkewOf(thread const Window& window, uint need) {
  Moments<3> moments;
  moments.Find(window);
  const uint n = moments.origin.n;
  if (n < need) return NAN;
  const wide::Num m2 = moments.power[0];
  const wide::Num spread = wide::Mul(m2, wide::Sqrt(m2));
  const wide::Num scale =
      wide::Div(wide::Mul(wide::OfCount(n), wide::Sqrt(wide::OfCount(n - 1))), wide::OfCount(n - 2));
  return wide::Round(wide::Mul(scale, wide::Div(moments.power[1], spread)), 0);
}

// The same: G2.
inline float KurtosisOf(thread const Window& window, uint need) {
  Moments<4> moments;
  moments.Find(window);
  const uint n = moments.origin.n;
  if (n < need) return NAN;
  const wide::Num m2 = moments.power[0];
  const wide::Num n1 = wide::OfCount(n - 1);
  const wide::Num below = wide::Mul(wide::OfCount(n - 2), wide::OfCount(n - 3));
  const wide::Num peak = wide::Mul(wide::Mul(wide::OfCount(n + 1), wide::OfCount(n)),
                                   wide::Div(moments.power[2], wide::Mul(m2, m2)));
  const wide::Num above = wide::Sub(peak, wide::Mul(wide::Of(3.0f), n1));
  return wide::Round(wide::Mul(wide::Div(n1, below), above), 0);
}

}  // namespace rolling

kernel void rolling_sum_f32(constant rolling::Params& p [[buffer(0)]],
                            device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                            uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::SumOrMean<false>(window, p.need);
}

kernel void rolling_mean_f32(constant rolling::Params& p [[buffer(0)]],
                             device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                             uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::SumOrMean<true>(window, p.need);
}

kernel void rolling_min_f32(constant rolling::Params& p [[buffer(0)]],
                            device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                            uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::ExtremeOf<false>(window, p.need);
}

kernel void rolling_max_f32(constant rolling::Params& p [[buffer(0)]],
                            device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                            uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::ExtremeOf<true>(window, p.need);
}

kernel void rolling_var_f32(constant rolling::Params& p [[buffer(0)]],
                            device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                            uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::SpreadOf<false>(window, p.need, p.ddof);
}

kernel void rolling_std_f32(constant rolling::Params& p [[buffer(0)]],
                            device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                            uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::SpreadOf<true>(window, p.need, p.ddof);
}

kernel void rolling_skew_f32(constant rolling::Params& p [[buffer(0)]],
                             device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                             uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::SkewOf(window, p.need);
}

kernel void rolling_kurtosis_f32(constant rolling::Params& p [[buffer(0)]],
                                 device const float* values [[buffer(1)]], device float* out [[buffer(2)]],
                                 uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const rolling::Window window = rolling::WindowOf(p, values, place);
  out[rolling::ElementOf(p, place)] = rolling::KurtosisOf(window, p.need);
}
