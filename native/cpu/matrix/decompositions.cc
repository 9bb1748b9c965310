// Eigenvectors of symmetric matrices, singular values, least squares: LAPACK, with the signs of vectors
// fixed.
#include <algorithm>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"
#include "cpu/matrix/tall_qr.h"

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

// The first `kept` singular values and vectors of a with at least as many rows as columns, u and vt
// row-major.
template <typename T>
bool DecomposeTall(const T* a, int64_t rows, int64_t columns, int64_t kept, T* values, T* u, T* vt) {
  matrix::TallQr<T> qr(a, rows, columns);
  std::vector<T> r = qr.Triangle();
  std::vector<T> all(columns);
  std::vector<T> left(columns * columns);
  std::vector<T> right(columns * columns);
  if (LapackGesdd(columns, columns, r.data(), all.data(), left.data(), right.data()) != 0) return false;
  qr.Expand(left.data(), kept, u);
  std::copy_n(all.begin(), kept, values);
  std::vector<T> turned(columns * columns);
  matrix::Transpose(right.data(), columns, columns, turned.data());
  std::copy_n(turned.begin(), kept * columns, vt);
  return qr.ok();
}

// The same for any shape. LAPACK sees columns, so a wide matrix is a tall one to it, with u and v in each
// other's place.
template <typename T>
bool Decompose(const T* a, int64_t rows, int64_t columns, int64_t kept, T* values, T* u, T* vt) {
  if (2 * rows >= 3 * columns) return DecomposeTall(a, rows, columns, kept, values, u, vt);
  if (2 * columns >= 3 * rows) {
    std::vector<T> turned(rows * columns);
    std::vector<T> right(columns * kept);
    std::vector<T> left(kept * rows);
    matrix::Transpose(a, rows, columns, turned.data());
    if (!DecomposeTall(turned.data(), columns, rows, kept, values, right.data(), left.data())) return false;
    matrix::Transpose(right.data(), columns, kept, vt);
    matrix::Transpose(left.data(), kept, rows, u);
    return true;
  }
  const int64_t k = std::min(rows, columns);
  std::vector<T> work(a, a + rows * columns);
  std::vector<T> all(k);
  std::vector<T> left(rows * k);
  std::vector<T> right(k * columns);
  if (LapackGesdd(columns, rows, work.data(), all.data(), right.data(), left.data()) != 0) return false;
  std::copy_n(all.begin(), kept, values);
  std::copy_n(right.begin(), kept * columns, vt);
  for (int64_t row = 0; row < rows; ++row) std::copy_n(left.data() + row * k, kept, u + row * kept);
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
  if (!Decompose(a, rows, columns, kept, values, u, vt)) return Status::kInvariant;
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
    // A tall system is reduced to its triangle first: same singular values, same solution.
    const bool reduce = 2 * rows >= 3 * columns;
    const int64_t height = reduce ? columns : rows;
    std::vector<T> work;
    std::vector<T> right;
    if (reduce) {
      matrix::TallQr<T> qr(a, rows, columns);
      work = qr.Triangle();
      right = qr.Reduce(b, nrhs);
      if (!qr.ok()) return Status::kInvariant;
    } else {
      work.resize(rows * columns);
      matrix::Transpose(a, rows, columns, work.data());
      right.assign(tall * nrhs, T{0});
      for (int64_t row = 0; row < rows; ++row) {
        for (int64_t j = 0; j < nrhs; ++j) right[j * tall + row] = b[row * nrhs + j];
      }
    }
    if (LapackGelsd(height, columns, nrhs, work.data(), right.data(), values, cutoff, args.rank) != 0) {
      return Status::kInvariant;
    }
    const int64_t distance = std::max(height, columns);
    for (int64_t row = 0; row < columns; ++row) {
      for (int64_t j = 0; j < nrhs; ++j) x[row * nrhs + j] = right[j * distance + row];
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
