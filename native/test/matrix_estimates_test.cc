// Shrunk covariances against the printed formulas, and the nearest correlation matrix against Higham's
// examples.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/reference.h"
#include "cpu/matrix/reference_spectral.h"
#include "test/check.h"
#include "test/matrix_testing.h"

namespace nautilus {
namespace {

using Form = NearestPsdArgs::Form;
using Towards = LedoitWolfArgs::Towards;

template <typename T>
void CheckShrinkage(int64_t rows, int64_t columns, Towards towards, int64_t shift) {
  test::Guarded<T> x(test::Returns<T>(rows, columns, static_cast<uint32_t>(rows + columns)), shift);
  test::Guarded<T> fast(columns * columns, shift);
  std::vector<T> plain(columns * columns);
  double shrinkage = -1;
  double plain_shrinkage = -1;
  LedoitWolfArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.observations = rows;
  args.assets = columns;
  args.towards = towards;
  args.values = x.data();
  args.out = fast.data();
  args.shrinkage = &shrinkage;
  CHECK(cpu::LedoitWolf(args) == Status::kOk);
  args.out = plain.data();
  args.shrinkage = &plain_shrinkage;
  CHECK(cpu::reference::LedoitWolf(args) == Status::kOk);
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kLedoitWolf)];
  const double tolerance = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  const int r = static_cast<int>(rows);
  const int c = static_cast<int>(columns);
  const double apart = std::abs(shrinkage - plain_shrinkage);
  CHECK(apart <= tolerance, "%d x %d: intensity %g against %g", r, c, shrinkage, plain_shrinkage);
  const double far = test::Distance(fast, plain, columns * columns, 4e-4);
  CHECK(far <= tolerance, "%d x %d is %g away", r, c, far);
  CHECK(fast.Intact());
}

TEST("shrunk covariances agree with the formulas as printed, for both targets") {
  for (const Towards towards : {Towards::kConstantVariance, Towards::kConstantCorrelation}) {
    for (const int64_t columns : {1, 2, 3, 17, 40}) {
      for (const int64_t rows : {5, 31, 400}) {
        CheckShrinkage<double>(rows, columns, towards, rows % 4);
        CheckShrinkage<float>(rows, columns, towards, rows % 4);
      }
    }
  }
}

TEST("shrinkage refuses NaN, a single observation, and a constant column where correlations are needed") {
  auto x = test::Returns<double>(20, 3, 4);
  std::vector<double> out(9);
  double shrinkage = 0;
  LedoitWolfArgs args{};
  args.observations = 20;
  args.assets = 3;
  args.towards = Towards::kConstantCorrelation;
  args.values = x.data();
  args.out = out.data();
  args.shrinkage = &shrinkage;
  for (int64_t row = 0; row < 20; ++row) x[row * 3 + 1] = 0.1;
  CHECK(cpu::LedoitWolf(args) == Status::kNotPositiveDefinite && args.detail == 1);
  args.towards = Towards::kConstantVariance;
  CHECK(cpu::LedoitWolf(args) == Status::kOk);
  CHECK(out[4] > 0 && shrinkage >= 0 && shrinkage <= 1);
  x[7] = test::kMissing;
  CHECK(cpu::LedoitWolf(args) == Status::kNonFinite && args.detail == 7);
  args.observations = 1;
  CHECK(cpu::LedoitWolf(args) == Status::kShape && args.detail == 1);
}

NearestPsdArgs Repair(int64_t n, const std::vector<double>& a, std::vector<double>& out, int32_t& iterations,
                      double& change) {
  NearestPsdArgs args{};
  args.n = n;
  args.max_iterations = 5000;
  args.precision = 1e-12;
  args.a = a.data();
  args.out = out.data();
  args.iterations = &iterations;
  args.change = &change;
  return args;
}

TEST("the nearest correlation matrix is the one that Higham prints") {
  int32_t iterations = 0;
  double change = 0;
  const std::vector<double> a = {1, 1, 0, 1, 1, 1, 0, 1, 1};
  std::vector<double> out(9);
  NearestPsdArgs args = Repair(3, a, out, iterations, change);
  CHECK(cpu::NearestPsd(args) == Status::kOk);
  const std::vector<double> printed = {1, 0.7607, 0.1573, 0.7607, 1, 0.7607, 0.1573, 0.7607, 1};
  CHECK(test::Distance(out, printed, 9) <= 5.1e-5);  // four digits are printed
  CHECK(iterations > 5 && iterations < 5000 && change <= 1e-12);

  const std::vector<double> b = {2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2, -1, 0, 0, -1, 2};
  std::vector<double> four(16);
  args = Repair(4, b, four, iterations, change);
  CHECK(cpu::NearestPsd(args) == Status::kOk);
  const std::vector<double> printed_four = {1,       -0.8084, 0.1916,  0.1068,  -0.8084, 1,
                                            -0.6562, 0.1916,  0.1916,  -0.6562, 1,       -0.8084,
                                            0.1068,  0.1916,  -0.8084, 1};
  CHECK(test::Distance(four, printed_four, 16) <= 5.1e-5);
}

TEST(
    "the nearest matrix agrees with the textbook in each form, has the diagonal and no negative eigenvalue") {
  for (const int64_t n : {2, 5, 12}) {
    // Correlations that contradict each other.
    std::vector<double> a(n * n);
    const auto draw = test::Normal<double>(n * n, static_cast<uint32_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) a[i * n + j] = i == j ? 1 : std::tanh(draw[i * n + j]);
    }
    for (const Form form : {Form::kCorrelation, Form::kCovariance, Form::kSymmetric}) {
      std::vector<double> in = a;
      for (int64_t i = 0; form != Form::kCorrelation && i < n * n; ++i) {
        in[i] *= static_cast<double>((1 + i / n) * (1 + i % n));
      }
      int32_t iterations = 0;
      double change = 0;
      std::vector<double> out(n * n);
      std::vector<double> plain(n * n);
      for (const double least : {0.0, 0.05}) {
        NearestPsdArgs args = Repair(n, in, out, iterations, change);
        args.form = form;
        args.min_eigenvalue = least;
        CHECK(cpu::NearestPsd(args) == Status::kOk);
        args.out = plain.data();
        CHECK(cpu::reference::NearestPsd(args) == Status::kOk);
        const double size = static_cast<double>(form == Form::kCorrelation ? 1 : n * n);
        const double far = test::Distance(out, plain, n * n, size);
        CHECK(far <= 1e-8, "order %d form %d is %g away", static_cast<int>(n), static_cast<int>(form), far);
        const double smallest = cpu::reference::JacobiEigen(out, n).values[0];
        CHECK(smallest >= (form == Form::kCovariance ? 0 : least) - 1e-10 * size, "smallest %g", smallest);
        for (int64_t i = 0; i < n && form != Form::kSymmetric; ++i)
          CHECK(out[i * (n + 1)] == in[i * (n + 1)]);
        for (int64_t i = 0; i < n * n; ++i) CHECK(out[i] == out[i % n * n + i / n]);
      }
    }
  }
}

TEST("a matrix that is positive semidefinite already comes back, and few iterations still give such a one") {
  std::vector<double> a = test::Spd<double>(9, 3);
  for (int64_t i = 0; i < 9; ++i) {
    for (int64_t j = 0; j < 9; ++j) {
      if (i != j) a[i * 9 + j] /= std::sqrt(a[i * 10] * a[j * 10]);
    }
  }
  for (int64_t i = 0; i < 9; ++i) a[i * 10] = 1;
  std::vector<double> out(81);
  int32_t iterations = 0;
  double change = 0;
  NearestPsdArgs args = Repair(9, a, out, iterations, change);
  CHECK(cpu::NearestPsd(args) == Status::kOk);
  CHECK(iterations == 1 && test::Distance(out, a, 81) <= 1e-15);

  const std::vector<double> hard = {1, 1, 0, 1, 1, 1, 0, 1, 1};
  std::vector<double> three(9);
  args = Repair(3, hard, three, iterations, change);
  args.max_iterations = 2;
  CHECK(cpu::NearestPsd(args) == Status::kOk);
  CHECK(iterations == 2 && change > 1e-3);
  CHECK(three[0] == 1 && three[4] == 1 && cpu::reference::JacobiEigen(three, 3).values[0] >= -1e-14);
}

TEST("the nearest matrix refuses NaN, and variances that are not positive") {
  const std::vector<double> a = {1, 0, 0, 0};
  std::vector<double> out(4);
  int32_t iterations = 0;
  double change = 0;
  NearestPsdArgs args = Repair(2, a, out, iterations, change);
  args.form = Form::kCovariance;
  CHECK(cpu::NearestPsd(args) == Status::kNotPositiveDefinite && args.detail == 1);
  const std::vector<double> nan = {1, 0, test::kMissing, 1};
  args.a = nan.data();
  CHECK(cpu::NearestPsd(args) == Status::kNonFinite && args.detail == 2);
  const std::atomic<uint32_t> cancelled{1};
  args.a = a.data();
  args.form = Form::kCorrelation;
  args.cancel = &cancelled;
  CHECK(cpu::NearestPsd(args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
