// Matrix products, row-major: out = alpha op(a) op(b) + beta out, for one matrix or many of one shape.
#include <metal_stdlib>
using namespace metal;

namespace gemm {

// The part of the result that a group computes, and how much of the inner side it has at a time. Four
// simdgroups, a quarter of the part each, as two by two matrices of 8 x 8.
constant constexpr uint kRows = 32;
constant constexpr uint kColumns = 32;
constant constexpr uint kInner = 16;
constant constexpr uint kThreads = 128;
// Rows of a part lie a few numbers further apart than they are long, lest they fall on the same banks.
constant constexpr uint kPad = 4;

struct Params {
  uint m;
  uint n;
  uint k;
  uint a_rows;     // numbers from one row of op(a) to the next
  uint a_columns;  // and from one column to the next: one of them is 1
  uint b_rows;
  uint b_columns;
  uint first;  // parts before the first one of this run
  uint lower;  // whether only the lower triangle is computed, and written to both
  float alpha;
  float beta;
};

// Copies a part of op(x), zeros beyond its sides.
template <uint kPartRows, uint kPartColumns>
inline void LoadPart(device const float* x, uint row, uint column, uint rows, uint columns, ulong row_step,
                     ulong column_step, threadgroup float (&to)[kPartRows][kPartColumns + kPad],
                     uint thread_index) {
  for (uint i = thread_index; i < kPartRows * kPartColumns; i += kThreads) {
    // Neighbouring threads read neighbouring numbers, whichever side they lie along.
    const uint along = column_step == 1 ? i % kPartColumns : i / kPartRows;
    const uint across = column_step == 1 ? i / kPartColumns : i % kPartRows;
    const bool inside = row + across < rows && column + along < columns;
    to[across][along] = inside ? x[(row + across) * row_step + (column + along) * column_step] : 0.0f;
  }
}

}  // namespace gemm

// Group (x, y): part x of matrix y. Parts go along the rows of parts of the result.
kernel void gemm_f32(constant gemm::Params& p [[buffer(0)]], device const float* a [[buffer(1)]],
                     device const float* b [[buffer(2)]], device float* out [[buffer(3)]],
                     uint2 group [[threadgroup_position_in_grid]],
                     uint thread_index [[thread_index_in_threadgroup]],
                     uint simdgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup float part_a[gemm::kRows][gemm::kInner + gemm::kPad];
  threadgroup float part_b[gemm::kInner][gemm::kColumns + gemm::kPad];
  threadgroup float part_out[gemm::kRows][gemm::kColumns + gemm::kPad];
  const uint part = p.first + group.x;
  const uint across = (p.n + gemm::kColumns - 1) / gemm::kColumns;
  const uint row = part / across * gemm::kRows;
  const uint column = part % across * gemm::kColumns;
  // The same for all threads of a group.
  if (row >= p.m || (p.lower != 0 && column > row)) return;
  device const float* own_a = a + ulong(group.y) * p.m * p.k;
  device const float* own_b = b + ulong(group.y) * p.k * p.n;
  device float* own_out = out + ulong(group.y) * p.m * p.n;
  const uint quarter_row = simdgroup / 2 * 16;
  const uint quarter_column = simdgroup % 2 * 16;
  simdgroup_float8x8 sum[2][2];
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j) sum[i][j] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
  for (uint inner = 0; inner < p.k; inner += gemm::kInner) {
    gemm::LoadPart<gemm::kRows, gemm::kInner>(own_a, row, inner, p.m, p.k, p.a_rows, p.a_columns, part_a,
                                              thread_index);
    gemm::LoadPart<gemm::kInner, gemm::kColumns>(own_b, inner, column, p.k, p.n, p.b_rows, p.b_columns,
                                                 part_b, thread_index);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (uint at = 0; at < gemm::kInner; at += 8) {
      simdgroup_float8x8 left[2];
      simdgroup_float8x8 right[2];
      for (uint i = 0; i < 2; ++i)
        simdgroup_load(left[i], &part_a[quarter_row + i * 8][at], gemm::kInner + gemm::kPad);
      for (uint j = 0; j < 2; ++j)
        simdgroup_load(right[j], &part_b[at][quarter_column + j * 8], gemm::kColumns + gemm::kPad);
      for (uint i = 0; i < 2; ++i)
        for (uint j = 0; j < 2; ++j) simdgroup_multiply_accumulate(sum[i][j], left[i], right[j], sum[i][j]);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
  }
  for (uint i = 0; i < 2; ++i)
    for (uint j = 0; j < 2; ++j)
      simdgroup_store(sum[i][j], &part_out[quarter_row + i * 8][quarter_column + j * 8],
                      gemm::kColumns + gemm::kPad);
  threadgroup_barrier(mem_flags::mem_threadgroup);
  for (uint i = thread_index; i < gemm::kRows * gemm::kColumns; i += gemm::kThreads) {
    const uint own_row = row + i / gemm::kColumns;
    const uint own_column = column + i % gemm::kColumns;
    if (own_row >= p.m || own_column >= p.n || (p.lower != 0 && own_column > own_row)) continue;
    const float product = p.alpha * part_out[i / gemm::kColumns][i % gemm::kColumns];
    // What is there does not count with a beta of 0, not even as NaN.
    const ulong at = ulong(own_row) * p.n + own_column;
    const float value = p.beta == 0.0f ? product : product + p.beta * own_out[at];
    own_out[at] = value;
    if (p.lower != 0) own_out[ulong(own_column) * p.n + own_row] = value;
  }
}

struct GemvParams {
  uint rows;  // of op(a)
  uint columns;
  uint row_step;
  uint column_step;
  uint first;  // rows before the first one of this run
  float alpha;
  float beta;
};

// out = alpha op(a) x + beta out: one simdgroup for each row of op(a).
kernel void gemv_f32(constant GemvParams& p [[buffer(0)]], device const float* a [[buffer(1)]],
                     device const float* x [[buffer(2)]], device float* out [[buffer(3)]],
                     uint place [[thread_position_in_grid]], uint lane [[thread_index_in_simdgroup]]) {
  const uint row = p.first + place / 32;
  // The same for all lanes of a simdgroup.
  if (row >= p.rows) return;
  float sum = 0.0f;
  for (uint column = lane; column < p.columns; column += 32)
    sum = fma(a[ulong(row) * p.row_step + ulong(column) * p.column_step], x[column], sum);
  sum = simd_sum(sum);
  if (lane == 0) out[row] = p.beta == 0.0f ? p.alpha * sum : p.alpha * sum + p.beta * out[row];
}
