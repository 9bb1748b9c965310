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

#include <cstdint>
#include <type_traits>

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

// Factors the lower triangle of a column-major matrix (the upper one of a row-major matrix) in place. Returns
// 0, or the order of the leading minor that is not positive definite.
inline int64_t CholeskyInPlace(int64_t n, double* a) {
  LapackInt order = static_cast<LapackInt>(n);
  LapackInt info = 0;
  NAUTILUS_LAPACK(dpotrf)("L", &order, a, &order, &info);
  return info;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_BLAS_H_
