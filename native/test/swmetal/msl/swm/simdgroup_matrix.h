// 8x8 matrices spread over a simdgroup: each lane holds two neighbours of one row, as on Apple's GPUs.
#ifndef SWM_SIMDGROUP_MATRIX_H_
#define SWM_SIMDGROUP_MATRIX_H_

namespace swm {

// Row and first column of what a lane holds.
inline uint RowOf(uint lane) { return ((lane >> 4) & 1u) * 4u + ((lane >> 1) & 3u); }
inline uint ColumnOf(uint lane) { return ((lane >> 3) & 1u) * 4u + (lane & 1u) * 2u; }
// The lane that holds an element, and in which of its two places.
inline uint LaneOf(uint row, uint column) {
  return (row >> 2) * 16u + (column >> 2) * 8u + (row & 3u) * 2u + ((column >> 1) & 1u);
}

}  // namespace swm

namespace metal {

template <typename T, int Columns, int Rows>
struct simdgroup_matrix {
  static_assert(Columns == 8 && Rows == 8, "simdgroup matrices are 8 by 8");
  T elements[2];
  thread T* thread_elements() thread { return elements; }
};
typedef simdgroup_matrix<float, 8, 8> simdgroup_float8x8;

template <typename T, int Columns, int Rows>
inline simdgroup_matrix<T, Columns, Rows> make_filled_simdgroup_matrix(T value) {
  simdgroup_matrix<T, Columns, Rows> filled;
  filled.elements[0] = filled.elements[1] = value;
  return filled;
}

// A load reads before the simdgroup meets and a store writes after it has met: a missing barrier shows.
#define SWM_SIMD_LOAD(space)                                                                                \
  METAL_FUNC void simdgroup_load(thread simdgroup_float8x8& into, const space float* from,                  \
                                 ulong per_row = 8ul, ulong2 origin = ulong2{0ul, 0ul},                     \
                                 bool transpose = false) {                                                  \
    const uint row = swm::RowOf(swm_simd_lane());                                                           \
    const uint column = swm::ColumnOf(swm_simd_lane());                                                     \
    from += origin.y * per_row + origin.x;                                                                  \
    for (uint i = 0u; i < 2u; ++i) {                                                                        \
      into.elements[i] = transpose ? from[(column + i) * per_row + row] : from[row * per_row + column + i]; \
    }                                                                                                       \
    swm_simd_meet();                                                                                        \
  }
SWM_SIMD_LOAD(device)
SWM_SIMD_LOAD(threadgroup)
#undef SWM_SIMD_LOAD

#define SWM_SIMD_STORE(space)                                                                         \
  METAL_FUNC void simdgroup_store(simdgroup_float8x8 matrix, space float* to, ulong per_row = 8ul,    \
                                  ulong2 origin = ulong2{0ul, 0ul}, bool transpose = false) {         \
    swm_simd_meet();                                                                                  \
    const uint row = swm::RowOf(swm_simd_lane());                                                     \
    const uint column = swm::ColumnOf(swm_simd_lane());                                               \
    to += origin.y * per_row + origin.x;                                                              \
    for (uint i = 0u; i < 2u; ++i) {                                                                  \
      to[transpose ? (column + i) * per_row + row : row * per_row + column + i] = matrix.elements[i]; \
    }                                                                                                 \
  }
SWM_SIMD_STORE(device)
SWM_SIMD_STORE(threadgroup)
#undef SWM_SIMD_STORE

// result = left right + added, each element one chain of fused multiply-adds in the order of the inner index.
METAL_FUNC void simdgroup_multiply_accumulate(thread simdgroup_float8x8& result, simdgroup_float8x8 left,
                                              simdgroup_float8x8 right, simdgroup_float8x8 added) {
  for (uint i = 0u; i < 2u; ++i) {
    swm_simd_publish(i, as_type<uint>(left.elements[i]));
    swm_simd_publish(2u + i, as_type<uint>(right.elements[i]));
  }
  swm_simd_meet();
  const uint row = swm::RowOf(swm_simd_lane());
  const uint column = swm::ColumnOf(swm_simd_lane());
  for (uint i = 0u; i < 2u; ++i) {
    float sum = added.elements[i];
    for (uint k = 0u; k < 8u; ++k) {
      const float x = as_type<float>(swm_simd_peek(k & 1u, swm::LaneOf(row, k)));
      const float y = as_type<float>(swm_simd_peek(2u + i, swm::LaneOf(k, column + i)));
      sum = __builtin_fmaf(x, y, sum);
    }
    result.elements[i] = sum;
  }
}
METAL_FUNC void simdgroup_multiply(thread simdgroup_float8x8& result, simdgroup_float8x8 left,
                                   simdgroup_float8x8 right) {
  simdgroup_multiply_accumulate(result, left, right, make_filled_simdgroup_matrix<float, 8, 8>(0.0f));
}

}  // namespace metal

#endif  // SWM_SIMDGROUP_MATRIX_H_
