// Cholesky factor, solution with it, and inverse of symmetric positive-definite matrices, by LAPACK and BLAS.
#include <algorithm>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

// Factors the lower triangle of a, which is finite, in `out`.
template <typename T>
Status Factor(const T* a, int64_t n, T* out, CancelFlag cancel, int64_t& detail) {
  matrix::CopyLower(a, n, out);
  detail = matrix::ParallelPotrf(n, out, cancel);
  if (IsCancelled(cancel)) return Status::kCancelled;
  return detail == 0 ? Status::kOk : detail > 0 ? Status::kNotPositiveDefinite : Status::kInvariant;
}

// Two triangular solves on the row-major factor: posv would want its right-hand sides in columns.
template <typename T>
void SolveTwice(const T* l, int64_t n, const T* b, int64_t nrhs, T* x) {
  std::copy(b, b + n * nrhs, x);
  matrix::ParallelTrsm(false, n, nrhs, l, x);
  matrix::ParallelTrsm(true, n, nrhs, l, x);
}

template <typename T>
Status Solve(SolveSpdArgs& args) {
  const int64_t n = args.n;
  const auto* b = static_cast<const T*>(args.b);
  args.detail = matrix::FirstNonFiniteLower(static_cast<const T*>(args.a), n);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(b, n * args.nrhs);
  if (args.detail >= 0) return Status::kNonFinite;
  std::vector<T> factor(n * n);
  const Status status = Factor(static_cast<const T*>(args.a), n, factor.data(), args.cancel, args.detail);
  if (status != Status::kOk) return status;
  if (args.Cancelled()) return Status::kCancelled;
  if (args.nrhs > 0) SolveTwice(factor.data(), n, b, args.nrhs, static_cast<T*>(args.x));
  return Status::kOk;
}

template <typename T>
Status SolveWith(CholeskySolveArgs& args) {
  const int64_t n = args.n;
  const auto* l = static_cast<const T*>(args.l);
  const auto* b = static_cast<const T*>(args.b);
  args.detail = matrix::FirstNonFiniteLower(l, n);
  if (args.detail >= 0) return Status::kNonFinite;
  for (args.detail = 1; args.detail <= n; ++args.detail) {
    if (!(l[(args.detail - 1) * (n + 1)] > T{0})) return Status::kNotPositiveDefinite;
  }
  args.detail = matrix::FirstNonFinite(b, n * args.nrhs);
  if (args.detail >= 0) return Status::kNonFinite;
  SolveTwice(l, n, b, args.nrhs, static_cast<T*>(args.x));
  return Status::kOk;
}

template <typename T>
Status Invert(InverseSpdArgs& args) {
  auto* out = static_cast<T*>(args.out);
  args.detail = matrix::FirstNonFiniteLower(static_cast<const T*>(args.a), args.n);
  if (args.detail >= 0) return Status::kNonFinite;
  const Status status = Factor(static_cast<const T*>(args.a), args.n, out, args.cancel, args.detail);
  if (status != Status::kOk) return status;
  if (args.Cancelled()) return Status::kCancelled;
  if (LapackPotri(args.n, out) != 0) return Status::kInvariant;
  matrix::MirrorLower(out, args.n);
  return Status::kOk;
}

}  // namespace

Status SolveSpd(SolveSpdArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return Solve<decltype(type)>(args); });
}

Status Cholesky(CholeskyArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) {
    using T = decltype(type);
    const auto* a = static_cast<const T*>(args.a);
    args.detail = matrix::FirstNonFiniteLower(a, args.n);
    if (args.detail >= 0) return Status::kNonFinite;
    return Factor(a, args.n, static_cast<T*>(args.l), args.cancel, args.detail);
  });
}

Status CholeskySolve(CholeskySolveArgs& args) {
  if (args.n == 0 || args.nrhs == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return SolveWith<decltype(type)>(args); });
}

Status InverseSpd(InverseSpdArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) { return Invert<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
