// Matrix products, by the BLAS of the platform.
#include <algorithm>

#include "core/kernel_table.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

// BLAS implementations differ on an inner size of 0, so the product of nothing is written here: out = beta
// out.
template <typename T>
void ScaleOnly(T beta, T* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = beta == T{0} ? T{0} : out[i] * beta;
}

template <typename T>
Status GemmOf(const GemmArgs& args) {
  auto* out = static_cast<T*>(args.out);
  const T beta = static_cast<T>(args.beta);
  if (args.k == 0) {
    ScaleOnly(beta, out, args.m * args.n);
  } else {
    matrix::ParallelGemm(args.trans_a, args.trans_b, args.m, args.n, args.k, static_cast<T>(args.alpha),
                         static_cast<const T*>(args.a), args.trans_a ? args.m : args.k,
                         static_cast<const T*>(args.b), args.trans_b ? args.k : args.n, beta, out, args.n,
                         args.cancel);
  }
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

template <typename T>
Status GemvOf(const GemvArgs& args) {
  auto* out = static_cast<T*>(args.out);
  const T beta = static_cast<T>(args.beta);
  if (args.n == 0) {
    ScaleOnly(beta, out, args.m);
    return Status::kOk;
  }
  // Row-major a is [n, m] when its transpose is meant.
  const int64_t rows = args.trans_a ? args.n : args.m;
  const int64_t columns = args.trans_a ? args.m : args.n;
  // Some BLAS multiply by a beta of 0 instead of ignoring what is there.
  if (beta == T{0}) std::fill(out, out + args.m, T{0});
  matrix::ParallelGemv(args.trans_a, rows, columns, static_cast<T>(args.alpha), static_cast<const T*>(args.a),
                       static_cast<const T*>(args.x), beta, out);
  return Status::kOk;
}

template <typename T>
Status SyrkOf(const SyrkArgs& args) {
  auto* out = static_cast<T*>(args.out);
  const T beta = static_cast<T>(args.beta);
  if (args.k == 0) {
    ScaleOnly(beta, out, args.n * args.n);
  } else {
    matrix::ParallelSyrk(args.trans_a, args.n, args.k, static_cast<T>(args.alpha),
                         static_cast<const T*>(args.a), args.trans_a ? args.n : args.k, beta, out, args.n,
                         args.cancel);
  }
  if (args.Cancelled()) return Status::kCancelled;
  matrix::MirrorLower(out, args.n);
  return Status::kOk;
}

#if !defined(__APPLE__)
// OpenBLAS starts with as many threads as there are cores; see SetThreads.
[[maybe_unused]] const bool blas_has_one_thread = (openblas_set_num_threads(1), true);
#endif

}  // namespace

Status Gemm(GemmArgs& args) {
  if (args.m == 0 || args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return GemmOf<decltype(type)>(args); });
}

Status Gemv(GemvArgs& args) {
  if (args.m == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return GemvOf<decltype(type)>(args); });
}

Status Syrk(SyrkArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return SyrkOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
