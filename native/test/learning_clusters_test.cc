// K-means, DBSCAN and the lasso against textbook loops.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/learning/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::Fenced;
using test::Kind;
using test::Normal;

// Rows around three centres.
template <typename T>
std::vector<T> Cloud(int64_t rows, int64_t columns, uint32_t seed) {
  std::vector<T> values = Normal<T>(rows * columns, seed);
  for (int64_t i = 0; i < rows * columns; ++i) values[i] += static_cast<T>(5 * (i / columns % 3));
  return values;
}

// A reference of rounded sums may send a row the other way where two centres are as near: rows at random
// leave none so close.
template <typename T>
void CheckKmeans(int64_t rows, int64_t columns, int64_t clusters, int64_t shift, const char* target) {
  const std::vector<T> values = Cloud<T>(rows, columns, 7);
  const std::vector<T> weights(rows, T{0.5});
  const std::vector<T> start(values.begin(), values.begin() + clusters * columns);
  Fenced<T> in(values, shift);
  Fenced<T> centres(clusters * columns, shift), plain(clusters * columns, 0);
  Fenced<int32_t> labels(rows, shift), expected(rows, 0);
  double inertia = 0, other = 0;
  int32_t iterations = 0;
  KmeansArgs args{.dtype = Kind<T>(), .rows = rows, .columns = columns, .clusters = clusters};
  args.max_iterations = 3, args.values = in.data(), args.start = start.data(), args.weights = weights.data();
  args.centres = centres.data(), args.labels = labels.data(), args.inertia = &inertia;
  args.iterations = &iterations;
  CHECK(cpu::Kmeans(args) == Status::kOk && centres.Whole() && labels.Whole());
  args.centres = plain.data(), args.labels = expected.data(), args.inertia = &other;
  cpu::reference::Kmeans(args);
  bool same = true;
  for (int64_t row = 0; row < rows; ++row) same = same && labels[row] == expected[row];
  CHECK(same, "%s: %d x %d into %d", target, int(rows), int(columns), int(clusters));
  const double allowed = sizeof(T) == 8 ? 1e-12 : 1e-5;
  CHECK(test::Worst(centres, plain, clusters * columns, 10.0) <= allowed, "%s: %d rows", target, int(rows));
  CHECK(std::abs(inertia - other) <= allowed * (1 + other), "%s: %g %g", target, inertia, other);
}

TEST("kmeans agrees with the textbook for every shape, alignment, element type and target") {
  test::OnEachTarget([](const char* target) {
    for (const int64_t clusters : {1, 2, 3, 8, 11}) {
      for (const int64_t rows : {11, 16, 33, 1000}) {
        for (const int64_t columns : {1, 3, 17}) {
          CheckKmeans<double>(rows, columns, clusters, 1, target);
          CheckKmeans<float>(rows, columns, clusters, 3, target);
        }
      }
    }
  });
}

template <typename T>
void CheckDbscan(int64_t rows, int64_t columns, double eps, int64_t least) {
  const std::vector<T> values = Cloud<T>(rows, columns, 8);
  Fenced<int32_t> labels(rows, 3), expected(rows, 0);
  Fenced<uint8_t> core(rows, 5), plain(rows, 0);
  int32_t clusters = -1, other = -2;
  DbscanArgs args{.dtype = Kind<T>(), .rows = rows, .columns = columns, .eps = eps, .min_points = least};
  args.values = values.data(), args.labels = labels.data(), args.core = core.data(),
  args.clusters = &clusters;
  CHECK(cpu::Dbscan(args) == Status::kOk && labels.Whole() && core.Whole());
  args.labels = expected.data(), args.core = plain.data(), args.clusters = &other;
  cpu::reference::Dbscan(args);
  bool same = clusters == other;
  for (int64_t row = 0; row < rows; ++row) {
    same = same && labels[row] == expected[row] && core[row] == plain[row];
  }
  CHECK(same, "%d x %d within %g: %d and %d clusters", int(rows), int(columns), eps, clusters, other);
}

TEST("dbscan has the labels of the textbook, by grid and by tree") {
  for (const int64_t columns : {1, 2, 3, 4, 9}) {
    for (const int64_t rows : {1, 2, 40, 700}) {
      for (const double eps : {0.0, 0.05, 0.7, 3.0, 1e9}) {
        CheckDbscan<double>(rows, columns, eps, 4);
        CheckDbscan<float>(rows, columns, eps, 1);
      }
    }
  }
}

TEST("coordinate_descent finds the minimum of the textbook") {
  for (const int64_t n : {1, 2, 7, 20}) {
    for (const double l2 : {0.0, 0.1}) {
      const int64_t rows = 60;
      const std::vector<double> x = Normal<double>(rows * n, 9);
      const std::vector<double> y = Normal<double>(rows, 10);
      std::vector<double> gram(n * n), products(n), found(n), expected(n);
      double square = 0, gap = 0;
      int32_t iterations = 0;
      for (int64_t i = 0; i < rows; ++i) {
        square += y[i] * y[i] / double(rows);
        for (int64_t j = 0; j < n; ++j) {
          products[j] += x[i * n + j] * y[i] / double(rows);
          for (int64_t k = 0; k < n; ++k) gram[j * n + k] += x[i * n + j] * x[i * n + k] / double(rows);
        }
      }
      CoordinateDescentArgs args{.columns = n, .l1 = 0.05, .l2 = l2, .tolerance = 1e-13};
      args.max_iterations = 10'000, args.gram = gram.data(), args.products = products.data();
      args.square = &square, args.coefficients = found.data(), args.gap = &gap;
      args.iterations = &iterations;
      CHECK(cpu::CoordinateDescent(args) == Status::kOk && gap <= 1e-13 * square);
      args.coefficients = expected.data();
      cpu::reference::CoordinateDescent(args);
      CHECK(test::Worst(found, expected, n, 1.0) <= 1e-6, "%d columns", int(n));
    }
  }
}

TEST("kmeans, dbscan and coordinate_descent stop when they are cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  const std::vector<double> values = Cloud<double>(100, 2, 1);
  std::vector<double> centres(6);
  std::vector<int32_t> labels(100);
  std::vector<uint8_t> core(100);
  double number = 1;
  int32_t count = 0;
  KmeansArgs means{.rows = 100, .columns = 2, .clusters = 3, .max_iterations = 10, .values = values.data()};
  means.centres = centres.data(), means.labels = labels.data(), means.inertia = &number;
  means.iterations = &count, means.cancel = &cancelled;
  CHECK(cpu::Kmeans(means) == Status::kCancelled);
  DbscanArgs groups{.rows = 100, .columns = 2, .eps = 1, .min_points = 3, .values = values.data()};
  groups.labels = labels.data(), groups.core = core.data(), groups.clusters = &count;
  groups.cancel = &cancelled;
  CHECK(cpu::Dbscan(groups) == Status::kCancelled);
  CoordinateDescentArgs descent{.columns = 1, .l1 = 0.01, .max_iterations = 10};
  const double gram = 1, products = 1;
  descent.gram = &gram, descent.products = &products, descent.square = &number;
  double gap = 0;
  descent.coefficients = centres.data(), descent.gap = &gap, descent.iterations = &count;
  descent.cancel = &cancelled;
  CHECK(cpu::CoordinateDescent(descent) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
