// Cholesky factor and solve of a symmetric positive-definite system, by the LAPACK and BLAS of the platform.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/blas.h"

namespace nautilus::cpu {
namespace {

bool AllFinite(const double* values, int64_t count) {
  return std::all_of(values, values + count, [](double value) { return std::isfinite(value); });
}

}  // namespace

Status SolveSpd(SolveSpdArgs& args) {
  if (args.n == 0) return Status::kOk;
  const auto* a = static_cast<const double*>(args.a);
  const auto* b = static_cast<const double*>(args.b);
  auto* x = static_cast<double*>(args.x);
  const int64_t columns = args.nrhs;
  for (int64_t row = 0; row < args.n; ++row) {
    if (!AllFinite(a + row * args.n + row, args.n - row)) return Status::kNonFinite;
  }
  if (!AllFinite(b, args.n * columns)) return Status::kNonFinite;

  std::vector<double> factor(a, a + args.n * args.n);
  args.detail = CholeskyInPlace(args.n, factor.data());
  if (args.detail > 0) return Status::kNotPositiveDefinite;
  if (args.detail < 0) return Status::kInvariant;
  if (columns == 0) return Status::kOk;

  // posv in row-major needs transposed copies of b; two triangular solves on the row-major factor u, a = u'
  // u, don't.
  if (x != b) std::copy(b, b + args.n * columns, x);
  const int n = static_cast<int>(args.n);
  const int nrhs = static_cast<int>(columns);
  for (const auto transpose : {CblasTrans, CblasNoTrans}) {
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasUpper, transpose, CblasNonUnit, n, nrhs, 1.0, factor.data(), n,
                x, nrhs);
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu
