// Products and residuals of quadratic programs. Residuals near 0 keep their digits: sums are pairs of floats.
#include <metal_stdlib>
using namespace metal;

namespace quadratic {

constant constexpr uint kColumns = 32;    // of a group
constant constexpr uint kSimdgroups = 8;  // and into how many parts it cuts the constraints

struct Params {
  uint variables;
  uint constraints;
  uint first;  // rows, or parts of columns, before the first one of this run
  uint end;
  uint parts;  // of the columns of one problem
  uint wants_ax;
  uint wants_px;
  uint wants_aty;
};

inline float KnownOrNaN(float x) { return isfinite(x) ? x : NAN; }

// sum + a b
inline wide::Num AddProduct(wide::Num sum, float a, float b) {
  wide::Num product;
  product.hi = a * b;
  product.lo = fma(a, b, -product.hi);
  return wide::Add(sum, product);
}

// The row times x, by all lanes of a simdgroup.
inline wide::Num RowTimes(device const float* row, device const float* x, uint count, uint lane) {
  wide::Num sum = wide::Of(0.0f);
  for (uint at = lane; at < count; at += 32) sum = AddProduct(sum, row[at], x[at]);
  return wide::SimdSum(sum);
}

}  // namespace quadratic

// a x - z: one simdgroup for each constraint of each problem.
kernel void qp_primal_f32(constant quadratic::Params& p [[buffer(0)]], device const float* a [[buffer(1)]],
                          device const float* x [[buffer(2)]], device const float* z [[buffer(3)]],
                          device float* primal [[buffer(4)]], device float* ax [[buffer(5)]],
                          uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  const uint row = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (row >= p.end) return;
  const uint problem = row / p.constraints;
  const wide::Num sum =
      quadratic::RowTimes(a + ulong(row) * p.variables, x + ulong(problem) * p.variables, p.variables, lane);
  if (lane != 0) return;
  primal[row] = quadratic::KnownOrNaN(wide::Add(sum, wide::Of(-z[row])).hi);
  if (p.wants_ax != 0) ax[row] = quadratic::KnownOrNaN(sum.hi);
}

// p x + q + a' y: one group for each 32 variables of a problem. Its simdgroups take four rows of p each, then
// every eighth row of a, with a variable for each lane.
kernel void qp_dual_f32(constant quadratic::Params& p [[buffer(0)]],
                        device const float* hessian [[buffer(1)]], device const float* q [[buffer(2)]],
                        device const float* a [[buffer(3)]], device const float* x [[buffer(4)]],
                        device const float* y [[buffer(5)]], device float* dual [[buffer(6)]],
                        device float* px [[buffer(7)]], device float* aty [[buffer(8)]],
                        uint group [[threadgroup_position_in_grid]], uint lane [[thread_index_in_simdgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float product_hi[quadratic::kColumns];
  threadgroup float product_lo[quadratic::kColumns];
  threadgroup float part_hi[quadratic::kSimdgroups][quadratic::kColumns];
  threadgroup float part_lo[quadratic::kSimdgroups][quadratic::kColumns];
  const uint n = p.variables;
  const uint problem = (p.first + group) / p.parts;
  const uint column = (p.first + group) % p.parts * quadratic::kColumns;
  device const float* own_p = hessian + ulong(problem) * n * n;
  device const float* own_a = a + ulong(problem) * p.constraints * n;
  device const float* own_y = y + ulong(problem) * p.constraints;
  for (uint i = simdgroup; i < quadratic::kColumns; i += quadratic::kSimdgroups) {
    // The same for all lanes of a simdgroup.
    if (column + i >= n) break;
    const wide::Num sum = quadratic::RowTimes(own_p + ulong(column + i) * n, x + ulong(problem) * n, n, lane);
    if (lane == 0) {
      product_hi[i] = sum.hi;
      product_lo[i] = sum.lo;
    }
  }
  const uint own = column + lane;
  wide::Num part = wide::Of(0.0f);
  if (own < n) {
    for (uint row = simdgroup; row < p.constraints; row += quadratic::kSimdgroups)
      part = quadratic::AddProduct(part, own_a[ulong(row) * n + own], own_y[row]);
  }
  part_hi[simdgroup][lane] = part.hi;
  part_lo[simdgroup][lane] = part.lo;
  threadgroup_barrier(mem_flags::mem_threadgroup);
  if (simdgroup != 0 || own >= n) return;
  wide::Num turned = wide::Of(0.0f);
  for (uint i = 0; i < quadratic::kSimdgroups; ++i)
    turned = wide::Add(turned, wide::Ordered(part_hi[i][lane], part_lo[i][lane]));
  const wide::Num product = wide::Ordered(product_hi[lane], product_lo[lane]);
  const ulong at = ulong(problem) * n + own;
  dual[at] = quadratic::KnownOrNaN(wide::Add(wide::Add(product, wide::Of(q[at])), turned).hi);
  if (p.wants_px != 0) px[at] = quadratic::KnownOrNaN(product.hi);
  if (p.wants_aty != 0) aty[at] = quadratic::KnownOrNaN(turned.hi);
}
