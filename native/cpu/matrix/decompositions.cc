// Eigenvectors of symmetric matrices, singular values, least squares: LAPACK, with the signs of vectors
// fixed.
#include <algorithm>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

template <typename T>
Status Eigen(const T* a, int64_t n, T* values, T* vectors, int64_t& detail) {
  detail = matrix::FirstNonFiniteLower(a, n);
  if (detail >= 0) return Status::kNonFinite;
  std::vector<T> scratch(vectors == nullptr ? n * n : 0);
  T* work = vectors == nullptr ? scratch.data() : vectors;
  matrix::CopyLower(a, n, work);
  matrix::MirrorLower(work, n);
  if (LapackSyevd(vectors != nullptr, n, work, values) != 0) return Status::kInvariant;
  if (vectors != nullptr) matrix::FixSigns(vectors, n, n);
  return Status::kOk;
}

// Multiplies column j of u[rows, count] by the sign that row j of vt[count, columns] gets.
template <typename T>
void FixSignsTogether(T* u, int64_t rows, T* vt, int64_t columns, int64_t count) {
  std::vector<T> signs(count);
  for (int64_t j = 0; j < count; ++j) signs[j] = matrix::SignOf(vt + j * columns, columns);
  matrix::FixSigns(vt, count, columns);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t j = 0; j < count; ++j) u[row * count + j] *= signs[j];
  }
}

// All singular values and vectors, row-major. LAPACK sees columns: a wide
// matrix is a tall one to it, for which it is quicker by up to a third, with u and v in each other's place. A
// tall one is transposed first.
template <typename T>
bool Decompose(const T* a, int64_t rows, int64_t columns, T* values, T* u, T* vt) {
  const int64_t k = std::min(rows, columns);
  if (rows <= columns) {
    std::vector<T> work(a, a + rows * columns);
    return LapackGesdd(columns, rows, work.data(), values, vt, u) == 0;
  }
  std::vector<T> work(rows * columns);
  std::vector<T> left(rows * k);
  std::vector<T> right(k * columns);
  matrix::Transpose(a, rows, columns, work.data());
  if (LapackGesdd(rows, columns, work.data(), values, left.data(), right.data()) != 0) return false;
  matrix::Transpose(left.data(), k, rows, u);
  matrix::Transpose(right.data(), columns, k, vt);
  return true;
}

template <typename T>
Status SvdOf(SvdArgs& args) {
  const int64_t rows = args.rows;
  const int64_t columns = args.columns;
  const int64_t k = std::min(rows, columns);
  const int64_t kept = args.components;
  const auto* a = static_cast<const T*>(args.a);
  args.detail = k;
  if (kept > k) return Status::kShape;
  args.detail = matrix::FirstNonFinite(a, rows * columns);
  if (args.detail >= 0) return Status::kNonFinite;
  if (kept == 0) return Status::kOk;
  auto* u = static_cast<T*>(args.u);
  auto* values = static_cast<T*>(args.values);
  auto* vt = static_cast<T*>(args.vt);
  if (kept == k) {
    if (!Decompose(a, rows, columns, values, u, vt)) return Status::kInvariant;
  } else {
    std::vector<T> all_u(rows * k);
    std::vector<T> all_values(k);
    std::vector<T> all_vt(k * columns);
    if (!Decompose(a, rows, columns, all_values.data(), all_u.data(), all_vt.data()))
      return Status::kInvariant;
    std::copy(all_values.begin(), all_values.begin() + kept, values);
    std::copy(all_vt.begin(), all_vt.begin() + kept * columns, vt);
    for (int64_t row = 0; row < rows; ++row) std::copy_n(all_u.data() + row * k, kept, u + row * kept);
  }
  FixSignsTogether(u, rows, vt, columns, kept);
  return Status::kOk;
}

template <typename T>
Status LeastSquaresOf(LeastSquaresArgs& args) {
  const int64_t rows = args.rows;
  const int64_t columns = args.columns;
  const int64_t nrhs = args.nrhs;
  const auto* a = static_cast<const T*>(args.a);
  const auto* b = static_cast<const T*>(args.b);
  auto* x = static_cast<T*>(args.x);
  auto* values = static_cast<T*>(args.values);
  auto* residuals = static_cast<T*>(args.residuals);
  args.detail = matrix::FirstNonFinite(a, rows * columns);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(b, rows * nrhs);
  if (args.detail >= 0) return Status::kNonFinite;
  *args.rank = 0;
  std::fill(x, x + columns * nrhs, T{0});
  std::fill(values, values + columns, T{0});
  const int64_t tall = std::max(rows, columns);
  if (rows > 0 && columns > 0 && nrhs > 0) {
    const T cutoff = args.cutoff > 0 ? static_cast<T>(args.cutoff)
                                     : static_cast<T>(tall) * std::numeric_limits<T>::epsilon();
    std::vector<T> work(rows * columns);
    std::vector<T> right(tall * nrhs, T{0});
    matrix::Transpose(a, rows, columns, work.data());
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t j = 0; j < nrhs; ++j) right[j * tall + row] = b[row * nrhs + j];
    }
    if (LapackGelsd(rows, columns, nrhs, work.data(), right.data(), values, cutoff, args.rank) != 0) {
      return Status::kInvariant;
    }
    for (int64_t row = 0; row < columns; ++row) {
      for (int64_t j = 0; j < nrhs; ++j) x[row * nrhs + j] = right[j * tall + row];
    }
  }
  if (args.Cancelled()) return Status::kCancelled;
  std::vector<T> rest(b, b + rows * nrhs);
  if (rows > 0 && columns > 0 && nrhs > 0) {
    matrix::ParallelGemm<T>(false, false, rows, nrhs, columns, T{-1}, a, columns, x, nrhs, T{1}, rest.data(),
                            nrhs);
  }
  std::vector<double> sums(nrhs, 0.0);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t j = 0; j < nrhs; ++j)
      sums[j] += static_cast<double>(rest[row * nrhs + j]) * rest[row * nrhs + j];
  }
  for (int64_t j = 0; j < nrhs; ++j) residuals[j] = static_cast<T>(sums[j]);
  return Status::kOk;
}

}  // namespace

Status EigenSymmetric(EigenSymmetricArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) {
    using T = decltype(type);
    return Eigen(static_cast<const T*>(args.a), args.n, static_cast<T*>(args.values),
                 static_cast<T*>(args.vectors), args.detail);
  });
}

Status EigenvaluesSymmetric(EigenvaluesSymmetricArgs& args) {
  if (args.n == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) {
    using T = decltype(type);
    return Eigen<T>(static_cast<const T*>(args.a), args.n, static_cast<T*>(args.values), nullptr,
                    args.detail);
  });
}

Status Svd(SvdArgs& args) {
  return matrix::WithType(args.dtype, [&](auto type) { return SvdOf<decltype(type)>(args); });
}

Status LeastSquares(LeastSquaresArgs& args) {
  return matrix::WithType(args.dtype, [&](auto type) { return LeastSquaresOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
