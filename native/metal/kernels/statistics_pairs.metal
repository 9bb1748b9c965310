// Rolling covariance, correlation and regression: as in statistics_rolling.metal.
#include <metal_stdlib>
using namespace metal;

namespace pairs {

// Sums of products of the distances to the means, in powers of 2^exponent of each side.
struct Moments {
  rolling::Origin x, y;
  uint n;
  wide::Num mean_x, mean_y;
  wide::Num xx, yy, xy;
};

// Both origins, over the rows where both sides are there.
template <class Pairs>
inline void FindOrigins(thread const Pairs& pairs, thread Moments& m) {
  m.n = 0;
  m.x.value = m.y.value = 0.0f;
  float far_x = 0.0f;
  float far_y = 0.0f;
  for (uint row = pairs.rows; row-- > 0;) {
    const float x = pairs.X(row);
    const float y = pairs.Y(row);
    if (!isfinite(x) || !isfinite(y)) continue;
    if (m.n == 0) {
      m.x.value = x;
      m.y.value = y;
    }
    far_x = max(far_x, fabs(0.5f * x - 0.5f * m.x.value));
    far_y = max(far_y, fabs(0.5f * y - 0.5f * m.y.value));
    ++m.n;
  }
  m.x.Scale(far_x);
  m.y.Scale(far_y);
}

template <class Pairs>
inline void FindMoments(thread const Pairs& pairs, thread Moments& m) {
  FindOrigins(pairs, m);
  m.mean_x = m.mean_y = m.xx = m.yy = m.xy = wide::Of(0.0f);
  for (uint row = 0; row < pairs.rows; ++row) {
    const float x = pairs.X(row);
    const float y = pairs.Y(row);
    if (!isfinite(x) || !isfinite(y)) continue;
    m.mean_x = wide::Add(m.mean_x, m.x.Shift(x));
    m.mean_y = wide::Add(m.mean_y, m.y.Shift(y));
  }
  const wide::Num count = wide::OfCount(max(m.n, 1u));
  m.mean_x = wide::Div(m.mean_x, count);
  m.mean_y = wide::Div(m.mean_y, count);
  for (uint row = 0; row < pairs.rows; ++row) {
    const float x = pairs.X(row);
    const float y = pairs.Y(row);
    if (!isfinite(x) || !isfinite(y)) continue;
    const wide::Num far_x = wide::Sub(m.x.Shift(x), m.mean_x);
    const wide::Num far_y = wide::Sub(m.y.Shift(y), m.mean_y);
    m.xx = wide::Add(m.xx, wide::Mul(far_x, far_x));
    m.yy = wide::Add(m.yy, wide::Mul(far_y, far_y));
    m.xy = wide::Add(m.xy, wide::Mul(far_x, far_y));
  }
}

// Two panels.
struct Columns {
  rolling::Window x, y;
  uint rows;

  float X(uint row) const thread { return x[row]; }
  float Y(uint row) const thread { return y[row]; }
};

// One panel over time: x counts bars up to 0 at the newest.
struct Trend {
  rolling::Window y;
  uint rows;

  float X(uint row) const thread { return float(int(row + 1) - int(rows)); }
  float Y(uint row) const thread { return y[row]; }
};

inline Columns ColumnsOf(constant rolling::Params& p, device const float* x, device const float* y,
                         uint2 place) {
  Columns columns;
  columns.x = rolling::WindowOf(p, x, place);
  columns.y = rolling::WindowOf(p, y, place);
  columns.rows = columns.x.rows;
  return columns;
}

// NaN stays NaN.
inline float Within(float low, float high, float value) {
  return value < low ? low : value > high ? high : value;
}

// Which answers of a regression are wanted.
struct Wanted {
  uint intercept;
  uint r2;
  uint residual;
};

// The line y = intercept + slope x. `first_x` is added to x for the intercept, in units of x.
template <class Pairs>
inline void FitLine(constant rolling::Params& p, constant Wanted& wanted, thread const Pairs& pairs,
                    float first_x, ulong element, device float* slope, device float* intercept,
                    device float* r2, device float* residual) {
  Moments m;
  FindMoments(pairs, m);
  const bool enough = m.n >= p.need;
  // 0 / 0 is the NaN that is due when x never moved.
  const wide::Num rise = wide::Div(m.xy, m.xx);
  slope[element] = enough ? wide::Round(rise, m.y.exponent - m.x.exponent) : NAN;
  if (wanted.intercept != 0) {
    const wide::Num far_x =
        wide::Add(wide::Add(m.mean_x, wide::Of(m.x.value * m.x.scale)), wide::Of(first_x * m.x.scale));
    const wide::Num far_y = wide::Add(m.mean_y, wide::Of(m.y.value * m.y.scale));
    const wide::Num start = wide::Sub(far_y, wide::Mul(rise, far_x));
    intercept[element] = enough ? wide::Round(start, m.y.exponent) : NAN;
  }
  if (wanted.r2 != 0) {
    const float fit = wide::Round(wide::Div(wide::Mul(m.xy, rise), m.yy), 0);
    r2[element] = enough ? Within(0.0f, 1.0f, fit) : NAN;
  }
  if (wanted.residual != 0) {
    // Where the newest pair is missing there is nothing to compare with the line.
    const float x = pairs.X(pairs.rows - 1);
    const float y = pairs.Y(pairs.rows - 1);
    const wide::Num run = wide::Mul(rise, wide::Sub(m.x.Shift(x), m.mean_x));
    const wide::Num left = wide::Sub(wide::Sub(m.y.Shift(y), m.mean_y), run);
    residual[element] = enough && isfinite(x) && isfinite(y) ? wide::Round(left, m.y.exponent) : NAN;
  }
}

}  // namespace pairs

kernel void rolling_covariance_f32(constant rolling::Params& p [[buffer(0)]],
                                   device const float* x [[buffer(1)]], device const float* y [[buffer(2)]],
                                   device float* out [[buffer(3)]], uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const pairs::Columns columns = pairs::ColumnsOf(p, x, y, place);
  pairs::Moments m;
  pairs::FindMoments(columns, m);
  const wide::Num value = wide::Div(m.xy, wide::OfCount(max(int(m.n) - int(p.ddof), 1)));
  out[rolling::ElementOf(p, place)] = m.n < p.need ? NAN : wide::Round(value, m.x.exponent + m.y.exponent);
}

kernel void rolling_correlation_f32(constant rolling::Params& p [[buffer(0)]],
                                    device const float* x [[buffer(1)]], device const float* y [[buffer(2)]],
                                    device float* out [[buffer(3)]],
                                    uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const pairs::Columns columns = pairs::ColumnsOf(p, x, y, place);
  pairs::Moments m;
  pairs::FindMoments(columns, m);
  const wide::Num spread = wide::Mul(wide::Sqrt(m.xx), wide::Sqrt(m.yy));
  const float value = wide::Round(wide::Div(m.xy, spread), 0);
  out[rolling::ElementOf(p, place)] = m.n < p.need ? NAN : pairs::Within(-1.0f, 1.0f, value);
}

kernel void rolling_regression_f32(constant rolling::Params& p [[buffer(0)]],
                                   constant pairs::Wanted& wanted [[buffer(1)]],
                                   device const float* y [[buffer(2)]], device const float* x [[buffer(3)]],
                                   device float* slope [[buffer(4)]], device float* intercept [[buffer(5)]],
                                   device float* r2 [[buffer(6)]], device float* residual [[buffer(7)]],
                                   uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  const pairs::Columns columns = pairs::ColumnsOf(p, x, y, place);
  pairs::FitLine(p, wanted, columns, 0.0f, rolling::ElementOf(p, place), slope, intercept, r2, residual);
}

// The same over time: x is 0 at the oldest bar of a whole window.
kernel void rolling_trend_f32(constant rolling::Params& p [[buffer(0)]],
                              constant pairs::Wanted& wanted [[buffer(1)]],
                              device const float* y [[buffer(2)]], device float* slope [[buffer(3)]],
                              device float* intercept [[buffer(4)]], device float* r2 [[buffer(5)]],
                              device float* residual [[buffer(6)]], uint2 place [[thread_position_in_grid]]) {
  if (rolling::IsOutside(p, place)) return;
  pairs::Trend trend;
  trend.y = rolling::WindowOf(p, y, place);
  trend.rows = trend.y.rows;
  pairs::FitLine(p, wanted, trend, float(p.window - 1), rolling::ElementOf(p, place), slope, intercept, r2,
                 residual);
}
