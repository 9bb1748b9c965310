// Products of small matrices, the columns of the result in lanes. Include inside foreach_target.
#if defined(NAUTILUS_CPU_MATRIX_BATCHED_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_MATRIX_BATCHED_GEMM_INL_H_
#undef NAUTILUS_CPU_MATRIX_BATCHED_GEMM_INL_H_
#else
#define NAUTILUS_CPU_MATRIX_BATCHED_GEMM_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One product: a[i, p] is at a[i * a_row + p * a_column], b is [k, n] row-major, out is [m, n].
template <typename T>
struct SmallProduct {
  int64_t m, n, k;
  int64_t a_row, a_column;
  const T* HWY_RESTRICT a;
  const T* HWY_RESTRICT b;
  T* HWY_RESTRICT out;
};

// kRows rows of the result by two vectors of columns from `column` on; sums stay in registers.
template <int kRows, class D, typename T = hn::TFromD<D>>
HWY_INLINE void TwoVectors(D d, const SmallProduct<T>& p, int64_t row, int64_t column) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> left[kRows];
  hn::Vec<D> right[kRows];
  for (int i = 0; i < kRows; ++i) left[i] = right[i] = hn::Zero(d);
  const T* a = p.a + row * p.a_row;
  const T* b = p.b + column;
  for (int64_t q = 0; q < p.k; ++q) {
    const auto b0 = hn::LoadU(d, b + q * p.n);
    const auto b1 = hn::LoadU(d, b + q * p.n + lanes);
    for (int i = 0; i < kRows; ++i) {
      const auto x = hn::Set(d, a[i * p.a_row + q * p.a_column]);
      left[i] = hn::MulAdd(x, b0, left[i]);
      right[i] = hn::MulAdd(x, b1, right[i]);
    }
  }
  for (int i = 0; i < kRows; ++i) {
    hn::StoreU(left[i], d, p.out + (row + i) * p.n + column);
    hn::StoreU(right[i], d, p.out + (row + i) * p.n + column + lanes);
  }
}

// The same with one vector.
template <int kRows, class D, typename T = hn::TFromD<D>>
HWY_INLINE void OneVector(D d, const SmallProduct<T>& p, int64_t row, int64_t column) {
  hn::Vec<D> sum[kRows];
  for (int i = 0; i < kRows; ++i) sum[i] = hn::Zero(d);
  const T* a = p.a + row * p.a_row;
  const T* b = p.b + column;
  for (int64_t q = 0; q < p.k; ++q) {
    const auto b0 = hn::LoadU(d, b + q * p.n);
    for (int i = 0; i < kRows; ++i) {
      sum[i] = hn::MulAdd(hn::Set(d, a[i * p.a_row + q * p.a_column]), b0, sum[i]);
    }
  }
  for (int i = 0; i < kRows; ++i) hn::StoreU(sum[i], d, p.out + (row + i) * p.n + column);
}

// All rows, four at a time, with vectors of kLanes lanes; then half as many lanes for the columns that are
// left, so that a tail needs no masks and reads nothing past its row.
template <size_t kLanes, typename T>
HWY_INLINE void FromColumn(const SmallProduct<T>& p, int64_t column) {
  const hn::CappedTag<T, kLanes> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; column + 2 * lanes <= p.n; column += 2 * lanes) {
    int64_t row = 0;
    for (; row + 4 <= p.m; row += 4) TwoVectors<4>(d, p, row, column);
    for (; row < p.m; ++row) TwoVectors<1>(d, p, row, column);
  }
  for (; column + lanes <= p.n; column += lanes) {
    int64_t row = 0;
    for (; row + 4 <= p.m; row += 4) OneVector<4>(d, p, row, column);
    for (; row < p.m; ++row) OneVector<1>(d, p, row, column);
  }
  if constexpr (kLanes > 1) {
    if (column < p.n) FromColumn<kLanes / 2>(p, column);
  }
}

// float, double / a fused multiply-add for each term, where the machine has it / any input.
template <typename T>
HWY_INLINE void Multiply(const SmallProduct<T>& p) {
  FromColumn<HWY_MAX_BYTES / sizeof(T), T>(p, 0);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_MATRIX_BATCHED_GEMM_INL_H_
