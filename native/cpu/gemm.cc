// Matrix product on the CPU, by the BLAS of the platform.
#include <algorithm>

#include "core/kernel_table.h"
#include "cpu/blas.h"

namespace nautilus::cpu {
namespace {

// BLAS implementations differ on k = 0, so the product of nothing is written here: out = beta * out.
template <typename T>
void ScaleOnly(const GemmArgs& args) {
  T* out = static_cast<T*>(args.out);
  const T beta = static_cast<T>(args.beta);
  for (int64_t i = 0; i < args.m * args.n; ++i) out[i] = beta == T{0} ? T{0} : out[i] * beta;
}

}  // namespace

Status Gemm(GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return Status::kOk;
  const bool f64 = args.dtype == Dtype::kF64;
  if (args.k == 0) {
    f64 ? ScaleOnly<double>(args) : ScaleOnly<float>(args);
    return Status::kOk;
  }
  const auto transpose_a = args.trans_a ? CblasTrans : CblasNoTrans;
  const auto transpose_b = args.trans_b ? CblasTrans : CblasNoTrans;
  const int m = static_cast<int>(args.m);
  const int n = static_cast<int>(args.n);
  const int k = static_cast<int>(args.k);
  const int lda = args.trans_a ? m : k;
  const int ldb = args.trans_b ? k : n;
  if (f64) {
    cblas_dgemm(CblasRowMajor, transpose_a, transpose_b, m, n, k, args.alpha,
                static_cast<const double*>(args.a), lda, static_cast<const double*>(args.b), ldb, args.beta,
                static_cast<double*>(args.out), n);
  } else {
    cblas_sgemm(CblasRowMajor, transpose_a, transpose_b, m, n, k, static_cast<float>(args.alpha),
                static_cast<const float*>(args.a), lda, static_cast<const float*>(args.b), ldb,
                static_cast<float>(args.beta), static_cast<float*>(args.out), n);
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu
