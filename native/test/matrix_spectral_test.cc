// Eigenvectors, singular values, least squares and components against rotations, their laws, and what is
// refused.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/reference.h"
#include "test/check.h"
#include "test/matrix_testing.h"

namespace nautilus {
namespace {

using test::kInfinite;
using test::kMissing;

template <typename T>
double Tolerance(KernelId id) {
  const KernelRow& row = KernelTable()[static_cast<size_t>(id)];
  return sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
}

// A few n epsilon times the size of the matrix: what a backward-stable decomposition gives back.
template <typename T>
double Exact(int64_t n) {
  return 8 * static_cast<double>(n + 4) * static_cast<double>(std::numeric_limits<T>::epsilon());
}

// A symmetric matrix whose eigenvalues lie 0.5 or more apart, so that its eigenvectors are well defined.
template <typename T>
std::vector<T> Separated(int64_t n, uint32_t seed) {
  std::vector<double> q = test::Normal<double>(n * n, seed);
  for (int64_t i = 0; i < n; ++i) {  // Gram and Schmidt, twice
    for (int64_t pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < i; ++j) {
        double dot = 0;
        for (int64_t p = 0; p < n; ++p) dot += q[i * n + p] * q[j * n + p];
        for (int64_t p = 0; p < n; ++p) q[i * n + p] -= dot * q[j * n + p];
      }
      double norm = 0;
      for (int64_t p = 0; p < n; ++p) norm += q[i * n + p] * q[i * n + p];
      for (int64_t p = 0; p < n; ++p) q[i * n + p] /= std::sqrt(norm);
    }
  }
  std::vector<T> a(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < n; ++k) sum += (static_cast<double>(k) / 2 - 2) * q[k * n + i] * q[k * n + j];
      a[i * n + j] = static_cast<T>(sum);
    }
  }
  return a;
}

template <typename T>
void CheckEigen(int64_t n, int64_t shift) {
  test::Guarded<T> a(Separated<T>(n, static_cast<uint32_t>(n)), shift);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) a.data()[i * n + j] = static_cast<T>(kMissing);
  }
  test::Guarded<T> values(n, shift);
  test::Guarded<T> vectors(n * n, shift);
  EigenSymmetricArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.n = n;
  args.a = a.data();
  args.values = values.data();
  args.vectors = vectors.data();
  CHECK(cpu::EigenSymmetric(args) == Status::kOk);
  const double size = static_cast<double>(n) / 2 + 2;
  std::vector<T> plain_values(n);
  std::vector<T> plain_vectors(n * n);
  args.values = plain_values.data();
  args.vectors = plain_vectors.data();
  CHECK(cpu::reference::EigenSymmetric(args) == Status::kOk);
  const double tolerance = Tolerance<T>(KernelId::kEigenSymmetric);
  CHECK(test::Distance(values, plain_values, n, size) <= tolerance);
  // The gap of 0.5 magnifies what the size of the matrix makes of epsilon.
  const double far = test::Distance(vectors, plain_vectors, n * n, 4 * size);
  CHECK(far <= tolerance, "vectors of order %d are %g away", static_cast<int>(n), far);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double dot = 0;
      double made = 0;
      for (int64_t k = 0; k < n; ++k) {
        dot += static_cast<double>(vectors[i * n + k]) * vectors[j * n + k];
        made += static_cast<double>(values[k]) * vectors[k * n + i] * vectors[k * n + j];
      }
      CHECK(std::abs(dot - (i == j ? 1 : 0)) <= Exact<T>(n));
      CHECK(std::abs(made - a[std::max(i, j) * n + std::min(i, j)]) <= Exact<T>(n) * size);
    }
  }
  EigenvaluesSymmetricArgs only{};
  only.dtype = args.dtype;
  only.n = n;
  only.a = a.data();
  test::Guarded<T> alone(n, shift);
  only.values = alone.data();
  CHECK(cpu::EigenvaluesSymmetric(only) == Status::kOk);
  CHECK(test::Distance(alone, plain_values, n, size) <= tolerance);
  CHECK(values.Intact() && vectors.Intact() && alone.Intact());
}

TEST("eigenvectors are orthonormal, make the matrix again and agree with rotations, signs included") {
  for (const int64_t n : {1, 2, 3, 8, 25, 26, 40, 70}) {
    for (const int64_t shift : {0, 1, 3}) {
      CheckEigen<double>(n, shift);
      CheckEigen<float>(n, shift);
    }
  }
}

template <typename T>
void CheckSvd(int64_t rows, int64_t columns, int64_t components, int64_t shift) {
  test::Guarded<T> a(test::Normal<T>(rows * columns, static_cast<uint32_t>(rows * 100 + columns)), shift);
  const int64_t k = std::min(rows, columns);
  test::Guarded<T> u(rows * components, shift);
  test::Guarded<T> values(components, shift);
  test::Guarded<T> vt(components * columns, shift);
  SvdArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.rows = rows;
  args.columns = columns;
  args.components = components;
  args.a = a.data();
  args.u = u.data();
  args.values = values.data();
  args.vt = vt.data();
  CHECK(cpu::Svd(args) == Status::kOk);
  std::vector<T> plain_u(rows * components);
  std::vector<T> plain_values(components);
  std::vector<T> plain_vt(components * columns);
  args.u = plain_u.data();
  args.values = plain_values.data();
  args.vt = plain_vt.data();
  CHECK(cpu::reference::Svd(args) == Status::kOk);
  const double tolerance = Tolerance<T>(KernelId::kSvd);
  const double size = plain_values[0];
  const int r = static_cast<int>(rows);
  const int c = static_cast<int>(columns);
  CHECK(test::Distance(values, plain_values, components, size) <= tolerance, "%d x %d", r, c);
  for (int64_t at = 0; at < components; ++at) {
    // The nearest other value magnifies what the size of the matrix makes of epsilon.
    double gap = size;
    if (at > 0) gap = std::min<double>(gap, plain_values[at - 1] - plain_values[at]);
    if (at + 1 < components) gap = std::min<double>(gap, plain_values[at] - plain_values[at + 1]);
    if (at + 1 == k) gap = std::min<double>(gap, plain_values[at]);
    if (gap < 1e-2 || components < k) continue;
    const T* right = vt.data() + at * columns;
    CHECK(test::Distance(right, plain_vt.data() + at * columns, columns, 4 * size / gap) <= tolerance,
          "%d x %d", r, c);
  }
  if (components == k) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        double made = 0;
        for (int64_t p = 0; p < k; ++p)
          made += static_cast<double>(u[i * k + p]) * values[p] * vt[p * columns + j];
        CHECK(std::abs(made - a[i * columns + j]) <= Exact<T>(rows + columns) * size);
      }
    }
  }
  CHECK(u.Intact() && values.Intact() && vt.Intact());
}

TEST("singular vectors make the matrix again and agree with rotations, signs included") {
  constexpr std::array<std::array<int64_t, 2>, 10> kShapes = {
      {{1, 1}, {3, 2}, {2, 3}, {9, 9}, {40, 7}, {7, 40}, {120, 11}, {33, 30}, {1701, 7}, {3, 1100}}};
  for (const auto& [rows, columns] : kShapes) {
    for (const int64_t shift : {0, 1, 3}) {
      const int64_t k = std::min(rows, columns);
      CheckSvd<double>(rows, columns, k, shift);
      CheckSvd<float>(rows, columns, k, shift);
      CheckSvd<double>(rows, columns, (k + 1) / 2, shift);
    }
  }
}

template <typename T>
void CheckLeastSquares(int64_t rows, int64_t columns, int64_t nrhs, bool dependent) {
  std::vector<T> a = test::Normal<T>(rows * columns, static_cast<uint32_t>(rows * 7 + columns));
  for (int64_t i = 0; dependent && i < rows; ++i) a[i * columns + columns - 1] = a[i * columns] * 2;
  const std::vector<T> b = test::Normal<T>(rows * nrhs, 5);
  std::vector<T> fast(columns * nrhs);
  std::vector<T> plain(columns * nrhs);
  std::vector<T> values(columns);
  std::vector<T> plain_values(columns);
  std::vector<T> residuals(nrhs);
  std::vector<T> plain_residuals(nrhs);
  int32_t rank = -1;
  int32_t plain_rank = -1;
  LeastSquaresArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.rows = rows;
  args.columns = columns;
  args.nrhs = nrhs;
  args.a = a.data();
  args.b = b.data();
  args.x = fast.data();
  args.values = values.data();
  args.residuals = residuals.data();
  args.rank = &rank;
  CHECK(cpu::LeastSquares(args) == Status::kOk);
  args.x = plain.data();
  args.values = plain_values.data();
  args.residuals = plain_residuals.data();
  args.rank = &plain_rank;
  CHECK(cpu::reference::LeastSquares(args) == Status::kOk);
  const double tolerance = Tolerance<T>(KernelId::kLeastSquares);
  const int r = static_cast<int>(rows);
  const int c = static_cast<int>(columns);
  CHECK(rank == plain_rank, "%d x %d: rank %d against %d", r, c, rank, plain_rank);
  CHECK(rank == static_cast<int32_t>(std::min(rows, columns)) - (dependent && rows >= columns ? 1 : 0));
  CHECK(test::Distance(fast, plain, columns * nrhs, 4) <= tolerance, "%d x %d", r, c);
  CHECK(test::Distance(values, plain_values, columns, plain_values[0]) <= tolerance);
  CHECK(test::Distance(residuals, plain_residuals, nrhs, static_cast<double>(rows)) <= tolerance);
}

TEST("least squares agree with rotations: tall, wide, square and with columns that depend on each other") {
  constexpr std::array<std::array<int64_t, 2>, 7> kShapes = {
      {{3, 2}, {40, 5}, {5, 12}, {200, 17}, {300, 1}, {9, 3}, {1500, 6}}};
  for (const auto& [rows, columns] : kShapes) {
    for (const int64_t nrhs : {1, 3}) {
      CheckLeastSquares<double>(rows, columns, nrhs, false);
      CheckLeastSquares<float>(rows, columns, nrhs, false);
      if (columns > 1 && rows >= columns) CheckLeastSquares<double>(rows, columns, nrhs, true);
    }
  }
}

TEST("least squares without unknowns leave all of b, and without observations nothing") {
  const std::vector<double> b = {3, 4};
  std::vector<double> x(2, -7.0);
  std::vector<double> values(2, -7.0);
  double residual = -7;
  int32_t rank = -7;
  LeastSquaresArgs args{};
  args.rows = 2;
  args.nrhs = 1;
  args.b = b.data();
  args.x = x.data();
  args.values = values.data();
  args.residuals = &residual;
  args.rank = &rank;
  CHECK(cpu::LeastSquares(args) == Status::kOk);
  CHECK(residual == 25 && rank == 0);
  args.rows = 0;
  args.columns = 2;
  CHECK(cpu::LeastSquares(args) == Status::kOk);
  CHECK(residual == 0 && rank == 0 && x[0] == 0 && x[1] == 0 && values[1] == 0);
}

template <typename T>
void CheckPca(int64_t rows, int64_t columns, int64_t count, bool scale) {
  // Columns of different size along a few strong directions, so that the variances lie apart.
  std::vector<T> x = test::Normal<T>(rows * columns, static_cast<uint32_t>(rows + columns));
  for (int64_t i = 0; i < rows * columns; ++i) {
    x[i] = static_cast<T>(x[i] * (1 + static_cast<double>(i % columns)) + 10 + 2 * x[i - i % columns]);
  }
  struct Out {
    std::vector<T> axes, variance, share, mean, scores;
  };
  const auto make = [&](PcaArgs& args) {
    Out out{std::vector<T>(count * columns), std::vector<T>(count), std::vector<T>(count),
            std::vector<T>(columns), std::vector<T>(rows * count)};
    args.axes = out.axes.data();
    args.variance = out.variance.data();
    args.share = out.share.data();
    args.mean = out.mean.data();
    args.scores = out.scores.data();
    return out;
  };
  PcaArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.observations = rows;
  args.assets = columns;
  args.components = count;
  args.ddof = 1;
  args.scale = scale;
  args.values = x.data();
  const Out fast = make(args);
  CHECK(cpu::Pca(args) == Status::kOk);
  const Out plain = make(args);
  CHECK(cpu::reference::Pca(args) == Status::kOk);
  const double tolerance = Tolerance<T>(KernelId::kPca);
  const double size = plain.variance[0];
  const int r = static_cast<int>(rows);
  const int c = static_cast<int>(columns);
  CHECK(test::Distance(fast.variance, plain.variance, count, size) <= tolerance, "%d x %d", r, c);
  CHECK(test::Distance(fast.share, plain.share, count) <= tolerance, "%d x %d", r, c);
  CHECK(test::Distance(fast.mean, plain.mean, columns, 20) <= tolerance, "%d x %d", r, c);
  for (int64_t k = 0; k + 1 < count; ++k) {
    double gap = plain.variance[k] - plain.variance[k + 1];
    if (k > 0) gap = std::min<double>(gap, plain.variance[k - 1] - plain.variance[k]);
    if (gap < 0.05 * size) continue;
    const double far =
        test::Distance(fast.axes.data() + k * columns, plain.axes.data() + k * columns, columns, 20);
    CHECK(far <= tolerance, "axis %d of %d x %d is %g away", static_cast<int>(k), r, c, far);
    for (int64_t i = 0; i < rows; ++i) {
      const double apart =
          std::abs(static_cast<double>(fast.scores[i * count + k]) - plain.scores[i * count + k]);
      CHECK(apart <= tolerance * 200 * std::sqrt(size), "score of %d x %d is %g away", r, c, apart);
    }
  }
}

TEST("components agree with rotations: more rows than columns, fewer, and scaled") {
  constexpr std::array<std::array<int64_t, 3>, 6> kShapes = {
      {{2, 1, 1}, {50, 4, 4}, {300, 20, 5}, {12, 30, 10}, {40, 40, 6}, {600, 3, 2}}};
  for (const auto& [rows, columns, count] : kShapes) {
    for (const bool scale : {false, true}) {
      CheckPca<double>(rows, columns, count, scale);
      CheckPca<float>(rows, columns, count, scale);
    }
  }
}

TEST("decompositions refuse NaN and infinity with the index, and more components than there are") {
  std::vector<double> a = test::Normal<double>(12, 1);
  std::vector<double> out(64, -7.0);
  int32_t rank = -7;
  a[8] = kInfinite;
  EigenSymmetricArgs eigen{};
  eigen.n = 3;
  eigen.a = a.data();
  eigen.values = out.data();
  eigen.vectors = out.data() + 3;
  CHECK(cpu::EigenSymmetric(eigen) == Status::kNonFinite && eigen.detail == 8);
  SvdArgs svd{};
  svd.rows = 4;
  svd.columns = 3;
  svd.components = 3;
  svd.a = a.data();
  svd.u = svd.values = svd.vt = out.data();
  CHECK(cpu::Svd(svd) == Status::kNonFinite && svd.detail == 8);
  svd.components = 4;
  CHECK(cpu::Svd(svd) == Status::kShape && svd.detail == 3);
  LeastSquaresArgs least{};
  least.rows = 4;
  least.columns = 3;
  least.nrhs = 1;
  least.a = a.data();
  least.b = a.data();
  least.x = least.values = least.residuals = out.data();
  least.rank = &rank;
  CHECK(cpu::LeastSquares(least) == Status::kNonFinite && least.detail == 8);
  PcaArgs pca{};
  pca.observations = 4;
  pca.assets = 3;
  pca.components = 2;
  pca.ddof = 1;
  pca.values = a.data();
  pca.axes = pca.variance = pca.share = pca.mean = out.data();
  CHECK(cpu::Pca(pca) == Status::kNonFinite && pca.detail == 8);
  pca.components = 4;
  CHECK(cpu::Pca(pca) == Status::kShape && pca.detail == 3);
  for (const double value : out) CHECK(value == -7);
  CHECK(rank == -7);
}

TEST("components of a panel that does not vary have no variance and no NaN") {
  const std::vector<double> x(40, 3.25);
  std::vector<double> axes(8);
  std::vector<double> variance(2);
  std::vector<double> share(2);
  std::vector<double> mean(4);
  for (const bool scale : {false, true}) {
    for (const int64_t rows : {10, 3}) {
      PcaArgs args{};
      args.observations = rows;
      args.assets = 4;
      args.components = 2;
      args.ddof = 1;
      args.scale = scale;
      args.values = x.data();
      args.axes = axes.data();
      args.variance = variance.data();
      args.share = share.data();
      args.mean = mean.data();
      CHECK(cpu::Pca(args) == Status::kOk);
      CHECK(variance[0] == 0 && share[0] == 0 && mean[3] == 3.25 && std::isfinite(axes[0]));
    }
  }
}

}  // namespace
}  // namespace nautilus
