// The one place that knows which BLAS and LAPACK this build uses: Accelerate on macOS, OpenBLAS elsewhere.
// Each routine once, overloaded for float and double. Sizes must fit 32 bits, which the kernel definitions
// see to.
#ifndef NAUTILUS_CPU_BLAS_H_
#define NAUTILUS_CPU_BLAS_H_

#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>  // with ACCELERATE_NEW_LAPACK, set by CMake: the old headers mean LAPACK 3.2.1
#else
#include <cblas.h>
#include <lapacke.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace nautilus::cpu {

#if defined(__APPLE__)
using LapackInt = __LAPACK_int;
#define NAUTILUS_LAPACK(name) name##_
#else
using LapackInt = lapack_int;
#define NAUTILUS_LAPACK(name) LAPACK_##name
#endif

// Calls the single- or double-precision routine for the element type T.
#define NAUTILUS_LAPACK_CALL(T, name, ...)   \
  do {                                       \
    if constexpr (std::is_same_v<T, float>)  \
      NAUTILUS_LAPACK(s##name)(__VA_ARGS__); \
    else                                     \
      NAUTILUS_LAPACK(d##name)(__VA_ARGS__); \
  } while (false)
#define NAUTILUS_BLAS_CALL(T, name, ...)    \
  do {                                      \
    if constexpr (std::is_same_v<T, float>) \
      cblas_s##name(__VA_ARGS__);           \
    else                                    \
      cblas_d##name(__VA_ARGS__);           \
  } while (false)

// c[m, n] = alpha op(a) op(b) + beta c; row-major, `ld` is the distance between two rows. k must not be 0:
// implementations differ there.
template <typename T>
void BlasGemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
              int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  NAUTILUS_BLAS_CALL(T, gemm, CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans,
                     transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(m), static_cast<int>(n),
                     static_cast<int>(k), alpha, a, static_cast<int>(lda), b, static_cast<int>(ldb), beta, c,
                     static_cast<int>(ldc));
}

// The lower triangle of c[n, n] = alpha op(a) op(a)' + beta c; row-major. op(a) is [n, k]: a' of a [k, n]
// with `transpose`.
template <typename T>
void BlasSyrk(bool transpose, int64_t n, int64_t k, T alpha, const T* a, int64_t lda, T beta, T* c,
              int64_t ldc) {
  NAUTILUS_BLAS_CALL(T, syrk, CblasRowMajor, CblasLower, transpose ? CblasTrans : CblasNoTrans,
                     static_cast<int>(n), static_cast<int>(k), alpha, a, static_cast<int>(lda), beta, c,
                     static_cast<int>(ldc));
}

// y = alpha op(a) x + beta y for row-major a[rows, columns].
template <typename T>
void BlasGemv(bool transpose, int64_t rows, int64_t columns, int64_t lda, T alpha, const T* a, const T* x,
              T beta, T* y) {
  NAUTILUS_BLAS_CALL(T, gemv, CblasRowMajor, transpose ? CblasTrans : CblasNoTrans, static_cast<int>(rows),
                     static_cast<int>(columns), alpha, a, static_cast<int>(lda), x, 1, beta, y, 1);
}

// x = op(l)^-1 x for the lower triangle l[n, n] and x[n, columns]; row-major.
template <typename T>
void BlasTrsm(bool transpose, int64_t n, int64_t columns, const T* l, T* x, int64_t ldx) {
  NAUTILUS_BLAS_CALL(T, trsm, CblasRowMajor, CblasLeft, CblasLower, transpose ? CblasTrans : CblasNoTrans,
                     CblasNonUnit, static_cast<int>(n), static_cast<int>(columns), T{1}, l,
                     static_cast<int>(n), x, static_cast<int>(ldx));
}

// x = x (l')^-1 for the lower triangle l[n, n] and x[rows, n]; row-major.
template <typename T>
void BlasTrsmRight(int64_t rows, int64_t n, const T* l, int64_t ldl, T* x, int64_t ldx) {
  NAUTILUS_BLAS_CALL(T, trsm, CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                     static_cast<int>(rows), static_cast<int>(n), T{1}, l, static_cast<int>(ldl), x,
                     static_cast<int>(ldx));
}

// What follows is LAPACK, which stores columns: its upper triangle is the lower one of a row-major matrix,
// its columns are our rows.

// Factors the lower triangle of row-major a[n, n] in place, a = l l'. Returns 0, or the order of the leading
// minor that is not positive definite.
template <typename T>
int64_t LapackPotrf(int64_t n, T* a, int64_t lda) {
  LapackInt order = static_cast<LapackInt>(n);
  LapackInt distance = static_cast<LapackInt>(lda);
  LapackInt info = 0;
  NAUTILUS_LAPACK_CALL(T, potrf, "U", &order, a, &distance, &info);
  return info;
}

// Replaces the lower Cholesky factor in row-major a[n, n] by the lower triangle of the inverse of what was
// factored.
template <typename T>
int64_t LapackPotri(int64_t n, T* a) {
  LapackInt order = static_cast<LapackInt>(n);
  LapackInt info = 0;
  NAUTILUS_LAPACK_CALL(T, potri, "U", &order, a, &order, &info);
  return info;
}

// Returns a workspace size as LAPACK answers it, in the element type: a float may have rounded it down.
template <typename T>
LapackInt LapackWorkspace(T answer, int64_t least) {
  const auto asked = static_cast<int64_t>(std::ceil(answer * (1 + std::numeric_limits<T>::epsilon())));
  return static_cast<LapackInt>(std::max(asked, least));
}

// Replaces symmetric a[n, n] by its eigenvectors, one in each row, and writes the eigenvalues in ascending
// order. Without `vectors` a is left as scratch. Both triangles must be filled: which one is read is what
// runs faster here.
template <typename T>
int64_t LapackSyevd(bool vectors, int64_t n, T* a, T* values) {
  LapackInt order = static_cast<LapackInt>(n);
  const char* job = vectors ? "V" : "N";
  LapackInt info = 0;
  LapackInt ask = -1;
  T work_size = 0;
  LapackInt integers = 0;
  NAUTILUS_LAPACK_CALL(T, syevd, job, "L", &order, a, &order, values, &work_size, &ask, &integers, &ask,
                       &info);
  if (info != 0) return info;
  LapackInt work_length = LapackWorkspace(work_size, vectors ? 1 + 6 * n + 2 * n * n : 2 * n + 1);
  std::vector<T> work(work_length);
  std::vector<LapackInt> integer_work(integers);
  NAUTILUS_LAPACK_CALL(T, syevd, job, "L", &order, a, &order, values, work.data(), &work_length,
                       integer_work.data(), &integers, &info);
  return info;
}

// Singular values, descending, and vectors of *column-major* a[rows, columns], which is destroyed: u[rows, k]
// and vt[k, columns], column-major too, with k the shorter side.
template <typename T>
int64_t LapackGesdd(int64_t rows, int64_t columns, T* a, T* values, T* u, T* vt) {
  const int64_t k = std::min(rows, columns);
  LapackInt m = static_cast<LapackInt>(rows);
  LapackInt n = static_cast<LapackInt>(columns);
  LapackInt ld_vt = static_cast<LapackInt>(k);
  LapackInt info = 0;
  LapackInt ask = -1;
  T work_size = 0;
  std::vector<LapackInt> integer_work(8 * k);
  NAUTILUS_LAPACK_CALL(T, gesdd, "S", &m, &n, a, &m, values, u, &m, vt, &ld_vt, &work_size, &ask,
                       integer_work.data(), &info);
  if (info != 0) return info;
  LapackInt work_length = LapackWorkspace(work_size, 4 * k * k + 7 * k);
  std::vector<T> work(work_length);
  NAUTILUS_LAPACK_CALL(T, gesdd, "S", &m, &n, a, &m, values, u, &m, vt, &ld_vt, work.data(), &work_length,
                       integer_work.data(), &info);
  return info;
}

// Factors column-major a[rows, columns], rows >= columns, in place: r in the upper triangle, below it
// reflections in panels of `panel` columns whose triangles go to t[panel, columns]. A third quicker than
// geqrf on tall matrices.
template <typename T>
int64_t LapackGeqrt(int64_t rows, int64_t columns, int64_t panel, T* a, T* t) {
  LapackInt m = static_cast<LapackInt>(rows);
  LapackInt n = static_cast<LapackInt>(columns);
  LapackInt nb = static_cast<LapackInt>(panel);
  LapackInt info = 0;
  std::vector<T> work(panel * columns);
  NAUTILUS_LAPACK_CALL(T, geqrt, &m, &n, &nb, a, &m, t, &nb, work.data(), &info);
  return info;
}

// c = q c or q' c for column-major c[rows, count] and what LapackGeqrt left of a[rows, columns].
template <typename T>
int64_t LapackGemqrt(bool transpose, int64_t rows, int64_t count, int64_t columns, int64_t panel, const T* a,
                     const T* t, T* c) {
  LapackInt m = static_cast<LapackInt>(rows);
  LapackInt n = static_cast<LapackInt>(count);
  LapackInt k = static_cast<LapackInt>(columns);
  LapackInt nb = static_cast<LapackInt>(panel);
  LapackInt info = 0;
  std::vector<T> work(panel * count);
  NAUTILUS_LAPACK_CALL(T, gemqrt, "L", transpose ? "T" : "N", &m, &n, &k, &nb, a, &m, t, &nb, c, &m,
                       work.data(), &info);
  return info;
}

// Least squares of least norm by the singular values, for *column-major* a[rows, columns], which is
// destroyed. b [max(rows, columns), right_hand_sides], column-major, is replaced by the solution. Singular
// values of at most `cutoff` times the largest count as 0; the number of the others goes to `rank`.
template <typename T>
int64_t LapackGelsd(int64_t rows, int64_t columns, int64_t right_hand_sides, T* a, T* b, T* values, T cutoff,
                    int32_t* rank) {
  LapackInt m = static_cast<LapackInt>(rows);
  LapackInt n = static_cast<LapackInt>(columns);
  LapackInt nrhs = static_cast<LapackInt>(right_hand_sides);
  LapackInt ld_b = std::max(m, n);
  LapackInt found = 0;
  LapackInt info = 0;
  LapackInt ask = -1;
  LapackInt integers = 0;
  T work_size = 0;
  NAUTILUS_LAPACK_CALL(T, gelsd, &m, &n, &nrhs, a, &m, b, &ld_b, values, &cutoff, &found, &work_size, &ask,
                       &integers, &info);
  if (info != 0) return info;
  LapackInt work_length = LapackWorkspace(work_size, 1);
  std::vector<T> work(work_length);
  std::vector<LapackInt> integer_work(std::max<LapackInt>(integers, 1));
  NAUTILUS_LAPACK_CALL(T, gelsd, &m, &n, &nrhs, a, &m, b, &ld_b, values, &cutoff, &found, work.data(),
                       &work_length, integer_work.data(), &info);
  *rank = static_cast<int32_t>(found);
  return info;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_BLAS_H_
