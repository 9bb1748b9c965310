// BLAS and Cholesky on the kernels' own threads. The work is cut by its size alone and each piece goes to a
// BLAS that uses one thread, so the bits are the same for any number of threads; OpenBLAS would cut by that
// number. On macOS everything goes to Accelerate whole, which decides by itself.
#ifndef NAUTILUS_CPU_MATRIX_PARALLEL_BLAS_H_
#define NAUTILUS_CPU_MATRIX_PARALLEL_BLAS_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/kernel_call.h"
#include "core/parallel.h"
#include "cpu/blas.h"

namespace nautilus::cpu::matrix {

#if defined(__APPLE__)
inline constexpr bool kBlasHasThreads = true;
#else
inline constexpr bool kBlasHasThreads = false;
#endif

// From this many multiplications on a second thread is worth waking: about 100 us of one core.
inline constexpr int64_t kWorthThreads = int64_t{1} << 21;

// Returns the size of the pieces that `count` rows or columns are cut into: at most 16 of them, of at least
// `least`.
inline int64_t Piece(int64_t count, int64_t least) {
  const int64_t share = (count + 15) / 16;
  return std::clamp<int64_t>((share + 15) / 16 * 16, least, 512);
}

// BlasGemm, cut by the longer side of c. Once cancelled, what is left undone stays as it was.
template <typename T>
void ParallelGemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                  int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc,
                  CancelFlag cancel = nullptr) {
  const auto piece = [=](int64_t row, int64_t rows, int64_t column, int64_t columns) {
    if (IsCancelled(cancel)) return;
    BlasGemm(transpose_a, transpose_b, rows, columns, k, alpha, a + (transpose_a ? row : row * lda), lda,
             b + (transpose_b ? column * ldb : column), ldb, beta, c + row * ldc + column, ldc);
  };
  if (kBlasHasThreads || m * n * k < kWorthThreads) return piece(0, m, 0, n);
  // Pieces of 128 cost 5 % more than the whole of 1,024 on one thread, pieces of 256 and those of a smaller
  // whole nothing.
  const int64_t least = std::max(m, n) >= 512 ? 256 : 128;
  if (m >= n) {
    ParallelRanges(m, Piece(m, least), [&](int64_t from, int64_t to) { piece(from, to - from, 0, n); });
  } else {
    ParallelRanges(n, Piece(n, least), [&](int64_t from, int64_t to) { piece(0, m, from, to - from); });
  }
}

// BlasSyrk in bands of rows: what is left of the diagonal is a plain product.
template <typename T>
void ParallelSyrk(bool transpose, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, T beta, T* c,
                  int64_t ldc, CancelFlag cancel = nullptr) {
  const auto row = [=](int64_t at) { return a + (transpose ? at : at * lda); };
  if (kBlasHasThreads || n * n * k / 2 < kWorthThreads || n < 256) {
    return BlasSyrk(transpose, n, k, alpha, a, lda, beta, c, ldc);
  }
  const int64_t band = Piece(n, 128);
  const int64_t bands = (n + band - 1) / band;
  ParallelFor(bands, [&](int64_t chunk) {
    if (IsCancelled(cancel)) return;
    const int64_t top = (bands - 1 - chunk) * band;  // the longest first
    const int64_t rows = std::min(band, n - top);
    if (top > 0) {
      BlasGemm(transpose, !transpose, rows, top, k, alpha, row(top), lda, a, lda, beta, c + top * ldc, ldc);
    }
    BlasSyrk(transpose, rows, k, alpha, row(top), lda, beta, c + top * ldc + top, ldc);
  });
}

// BlasTrsm, cut by the columns of x.
template <typename T>
void ParallelTrsm(bool transpose, int64_t n, int64_t columns, const T* l, T* x) {
  if (kBlasHasThreads || n * n * columns / 2 < kWorthThreads)
    return BlasTrsm(transpose, n, columns, l, x, columns);
  ParallelRanges(columns, Piece(columns, 64),
                 [&](int64_t from, int64_t to) { BlasTrsm(transpose, n, to - from, l, x + from, columns); });
}

// y = alpha op(a) x + beta y, cut by the elements of y: memory is what it waits for.
template <typename T>
void ParallelGemv(bool transpose, int64_t rows, int64_t columns, T alpha, const T* a, const T* x, T beta,
                  T* y) {
  if (kBlasHasThreads || rows * columns < kWorthThreads / 4) {
    return BlasGemv(transpose, rows, columns, columns, alpha, a, x, beta, y);
  }
  if (transpose) {
    ParallelRanges(columns, Piece(columns, 64), [&](int64_t from, int64_t to) {
      BlasGemv(true, rows, to - from, columns, alpha, a + from, x, beta, y + from);
    });
  } else {
    ParallelRanges(rows, Piece(rows, 16), [&](int64_t from, int64_t to) {
      BlasGemv(false, to - from, columns, columns, alpha, a + from * columns, x, beta, y + from);
    });
  }
}

// Factors the lower triangle of row-major a[n, n] in place, a = l l'. Returns 0, the order of the leading
// minor that is not positive definite, or -1 when cancelled. Panels of 128 columns: as fast as LAPACK on one
// thread.
template <typename T>
int64_t ParallelPotrf(int64_t n, T* a, CancelFlag cancel) {
  constexpr int64_t kPanel = 128;
  if (kBlasHasThreads || n < 2 * kPanel) return LapackPotrf(n, a, n);
  for (int64_t first = 0; first < n; first += kPanel) {
    if (IsCancelled(cancel)) return -1;
    const int64_t width = std::min(kPanel, n - first);
    T* diagonal = a + first * n + first;
    const int64_t info = LapackPotrf(width, diagonal, n);
    if (info != 0) return info > 0 ? first + info : info;
    const int64_t rest = n - first - width;
    if (rest == 0) break;
    T* below = diagonal + width * n;
    ParallelRanges(rest, Piece(rest, 64), [&](int64_t from, int64_t to) {
      BlasTrsmRight(to - from, width, diagonal, n, below + from * n, n);
    });
    ParallelSyrk(false, rest, width, T{-1}, below, n, T{1}, below + width, n);
  }
  return 0;
}

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_PARALLEL_BLAS_H_
