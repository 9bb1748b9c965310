// The one place that knows which BLAS and LAPACK this build uses: Accelerate on macOS, OpenBLAS elsewhere.
#ifndef NAUTILUS_CPU_BLAS_H_
#define NAUTILUS_CPU_BLAS_H_

#if defined(__APPLE__)
#include <Accelerate/Accelerate.h>  // with ACCELERATE_NEW_LAPACK, set by CMake: the old headers mean LAPACK 3.2.1
#else
#include <cblas.h>
#include <lapacke.h>
#endif

#include <cstdint>

namespace nautilus::cpu {

// Factors the lower triangle of a column-major matrix (the upper one of a row-major matrix) in place. Returns
// 0, or the order of the leading minor that is not positive definite.
inline int64_t CholeskyInPlace(int64_t n, double* a) {
#if defined(__APPLE__)
  __LAPACK_int order = static_cast<__LAPACK_int>(n);
  __LAPACK_int info = 0;
  dpotrf_("L", &order, a, &order, &info);
  return info;
#else
  const lapack_int order = static_cast<lapack_int>(n);
  return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', order, a, order);
#endif
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_BLAS_H_
