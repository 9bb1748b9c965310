// Lays neighbouring parts of a series side by side, and back.
#if defined(NAUTILUS_CPU_INDICATORS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TRANSPOSE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TRANSPOSE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TRANSPOSE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR
// Transposes a square of as many rows as a vector has 64-bit lanes, at most 8.
template <class D>
HWY_INLINE void TransposeSquare(D d, hn::Vec<D>* rows) {
  using V = hn::Vec<D>;
  constexpr size_t kLanes = hn::MaxLanes(D());
  static_assert(kLanes == 2 || kLanes == 4 || kLanes == 8);
  // Within blocks of two lanes: even columns in even rows, odd columns in odd ones.
  for (size_t i = 0; i < kLanes; i += 2) {
    const V even = rows[i];
    const V odd = rows[i + 1];
    rows[i] = hn::InterleaveLower(d, even, odd);
    rows[i + 1] = hn::InterleaveUpper(d, even, odd);
  }
  // Then the blocks, even rows and odd ones each for themselves.
  for (size_t i = 0; i < 2; ++i) {
    if constexpr (kLanes == 4) {
      const V one = rows[i];
      const V other = rows[i + 2];
      rows[i] = hn::ConcatLowerLower(d, other, one);
      rows[i + 2] = hn::ConcatUpperUpper(d, other, one);
    }
    if constexpr (kLanes == 8) {
      const V even0 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(rows[i + 2]), rows[i]);
      const V odd0 = hn::OddEvenBlocks(rows[i + 2], hn::SwapAdjacentBlocks(rows[i]));
      const V even1 = hn::OddEvenBlocks(hn::SwapAdjacentBlocks(rows[i + 6]), rows[i + 4]);
      const V odd1 = hn::OddEvenBlocks(rows[i + 6], hn::SwapAdjacentBlocks(rows[i + 4]));
      rows[i] = hn::ConcatLowerLower(d, even1, even0);
      rows[i + 2] = hn::ConcatLowerLower(d, odd1, odd0);
      rows[i + 4] = hn::ConcatUpperUpper(d, even1, even0);
      rows[i + 6] = hn::ConcatUpperUpper(d, odd1, odd0);
    }
  }
}
#endif

// Writes `from`, rows of `columns` elements `from_step` apart, to `to` as columns of rows `to_step` apart.
template <typename T>
HWY_INLINE void Transpose(const T* from, int64_t from_step, int64_t rows, int64_t columns, T* to,
                          int64_t to_step) {
  int64_t whole_rows = 0;
  int64_t whole_columns = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(T) == 8) {
    const hn::ScalableTag<T> d;
    constexpr int64_t kSide = static_cast<int64_t>(hn::MaxLanes(hn::ScalableTag<T>()));
    whole_rows = rows / kSide * kSide;
    whole_columns = columns / kSide * kSide;
    for (int64_t row = 0; row < whole_rows; row += kSide) {
      for (int64_t column = 0; column < whole_columns; column += kSide) {
        hn::Vec<decltype(d)> square[kSide];
        for (int64_t i = 0; i < kSide; ++i) square[i] = hn::LoadU(d, from + (row + i) * from_step + column);
        TransposeSquare(d, square);
        for (int64_t i = 0; i < kSide; ++i) hn::StoreU(square[i], d, to + (column + i) * to_step + row);
      }
    }
  }
#endif
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = row < whole_rows ? whole_columns : 0; column < columns; ++column)
      to[column * to_step + row] = from[row * from_step + column];
  }
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TRANSPOSE_INL_H_
