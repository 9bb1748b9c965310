// Covariance and correlation against the textbook loops: sizes, alignments, NaN, what is refused.
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/reference.h"
#include "test/check.h"
#include "test/matrix_testing.h"

namespace nautilus {
namespace {

using Missing = CovarianceArgs::Missing;
using test::kInfinite;
using test::kMissing;

// 2^-53 and 2^-24 times what a sum of a few thousand products adds up, relative to the product of two
// deviations.
template <typename T>
constexpr double kTolerance = sizeof(T) == 8 ? 1e-12 : 1e-5;

template <typename T>
CovarianceArgs Args(int64_t rows, int64_t columns, const T* values, T* out,
                    Missing missing = Missing::kPairwise) {
  CovarianceArgs args{};
  args.dtype = test::DtypeOf<T>();
  args.observations = rows;
  args.assets = columns;
  args.ddof = 1;
  args.missing = missing;
  args.min_pairs = 1;
  args.values = values;
  args.out = out;
  return args;
}

CorrelationArgs Correlations(const CovarianceArgs& from) {
  CorrelationArgs args{};
  args.dtype = from.dtype;
  args.observations = from.observations;
  args.assets = from.assets;
  args.missing = static_cast<CorrelationArgs::Missing>(from.missing);
  args.min_pairs = from.min_pairs;
  args.values = from.values;
  args.out = from.out;
  return args;
}

// Compares both kernels with their references on values of about 0.01, whose covariances are about 1e-4.
template <typename T>
void Compare(const std::vector<T>& values, int64_t rows, int64_t columns, int64_t shift, Missing missing) {
  test::Guarded<T> in(values, shift);
  test::Guarded<T> fast(columns * columns, shift);
  std::vector<T> plain(columns * columns);
  CovarianceArgs args = Args<T>(rows, columns, in.data(), fast.data(), missing);
  const int r = static_cast<int>(rows);
  const int c = static_cast<int>(columns);
  if (rows > 1) {
    CHECK(cpu::Covariance(args) == Status::kOk);
    args.out = plain.data();
    cpu::reference::Covariance(args);
    const double far = test::Distance(fast, plain, columns * columns, 2e-4);
    CHECK(far <= kTolerance<T>, "covariance %d x %d is %g away", r, c, far);
  }
  args.out = fast.data();
  CorrelationArgs same = Correlations(args);
  CHECK(cpu::Correlation(same) == Status::kOk);
  same.out = plain.data();
  cpu::reference::Correlation(same);
  const double far = test::Distance(fast, plain, columns * columns);
  CHECK(far <= kTolerance<T>, "correlation %d x %d is %g away", r, c, far);
  CHECK(fast.Intact());
}

TEST("covariance and correlation agree with the textbook for every width, length and alignment") {
  for (const int64_t columns : {1, 2, 3, 5, 8, 17, 64, 130}) {
    for (const int64_t rows : {1, 2, 3, 31, 257, 2600}) {
      if (rows * columns > 100000) continue;
      const auto seed = static_cast<uint32_t>(rows * 1000 + columns);
      for (const int64_t shift : {0, 1, 3}) {
        Compare(test::Returns<double>(rows, columns, seed), rows, columns, shift, Missing::kPairwise);
        Compare(test::Returns<float>(rows, columns, seed), rows, columns, shift, Missing::kPairwise);
      }
    }
  }
}

TEST("a missing value leaves out its row for its own pairs only, in both forms") {
  for (const int64_t columns : {2, 7, 33}) {
    for (const int64_t rows : {5, 60, 1500}) {
      auto values = test::Returns<double>(rows, columns, 3);
      const auto draw = test::Normal<double>(rows * columns, 4);
      for (int64_t i = 0; i < rows * columns; ++i) {
        if (draw[i] > 1) values[i] = kMissing;
      }
      Compare(values, rows, columns, 1, Missing::kPairwise);
      const std::vector<float> single(values.begin(), values.end());
      Compare(single, rows, columns, 1, Missing::kPairwise);
    }
  }
}

TEST("with `propagate` a missing value makes the row and the column of its asset NaN and no other") {
  auto values = test::Returns<double>(40, 6, 3);
  values[17 * 6 + 2] = kMissing;
  Compare(values, 40, 6, 0, Missing::kPropagate);
}

TEST("a pair with too few common rows is NaN") {
  const std::vector<double> values = {1, 2, 3, kMissing, kMissing, 4, 2, 5, 7, 1, 3, 9};
  std::vector<double> out(9);
  CovarianceArgs args = Args<double>(4, 3, values.data(), out.data());
  args.min_pairs = 3;
  CHECK(cpu::Covariance(args) == Status::kOk);
  CHECK(std::isfinite(out[0]) && std::isfinite(out[2]) && std::isfinite(out[8]));
  args.min_pairs = 4;
  CHECK(cpu::Covariance(args) == Status::kOk);
  CHECK(std::isnan(out[0]) && std::isnan(out[2]) && std::isfinite(out[8]));
  args.min_pairs = 5;
  CHECK(cpu::Covariance(args) == Status::kOk);
  for (const double value : out) CHECK(std::isnan(value));
}

TEST("a constant column has covariance 0, exactly, and no correlation") {
  for (const double constant : {0.1, 1e9, -3.7e-9}) {
    auto values = test::Returns<double>(1001, 3, 8);
    for (int64_t row = 0; row < 1001; ++row) values[row * 3 + 1] = constant;
    std::vector<double> out(9);
    CovarianceArgs args = Args<double>(1001, 3, values.data(), out.data());
    CHECK(cpu::Covariance(args) == Status::kOk);
    CHECK(out[1] == 0 && out[3] == 0 && out[4] == 0 && out[5] == 0 && out[0] > 0);
    CorrelationArgs same = Correlations(args);
    for (const double third : {values[2], kMissing}) {
      values[2] = third;
      CHECK(cpu::Correlation(same) == Status::kOk);
      CHECK(std::isnan(out[1]) && std::isnan(out[4]) && std::isnan(out[7]) && out[0] == 1 && out[8] == 1);
    }
  }
}

TEST("keeps its digits when the mean is a million times the deviation") {
  auto values = test::Returns<double>(3000, 4, 21);
  auto moved = values;
  for (double& value : moved) value += 1e4;
  std::vector<double> near(16);
  std::vector<double> far(16);
  CovarianceArgs args = Args<double>(3000, 4, values.data(), near.data());
  CHECK(cpu::Covariance(args) == Status::kOk);
  args.values = moved.data();
  args.out = far.data();
  CHECK(cpu::Covariance(args) == Status::kOk);
  // The inputs themselves are rounded to 1e4 * 2^-53 = 1e-12, a ten-billionth of their deviation.
  CHECK(test::Distance(near, far, 16, 2e-4) <= 1e-9);
}

TEST(
    "keeps its digits when the common rows of a pair lie close together, far from the rest of their "
    "columns") {
  // The first pair of columns has two rows in common, whose values hardly differ.
  std::vector<double> values = {5 + 1e-7, kMissing, 1,        -3, 7,        2, kMissing, 5 + 3e-7,
                                4,        5 + 4e-7, 5 + 1e-7, 8,  5 - 2e-7, 5, 1};
  std::vector<double> fast(9);
  std::vector<double> plain(9);
  CovarianceArgs args = Args<double>(5, 3, values.data(), fast.data());
  for (const double first : {5 + 1e-7, 1000.0}) {
    values[0] = first;
    values[3] = kMissing;
    CorrelationArgs same = Correlations(args);
    same.out = fast.data();
    CHECK(cpu::Correlation(same) == Status::kOk);
    same.out = plain.data();
    cpu::reference::Correlation(same);
    CHECK(test::Distance(fast, plain, 9) <= 1e-12, "%g away", test::Distance(fast, plain, 9));
  }
}

TEST("is symmetric bit for bit") {
  for (const double hole : {0.01, kMissing}) {
    auto values = test::Returns<double>(300, 70, 5);
    values[1234] = hole;
    std::vector<double> out(70 * 70);
    CovarianceArgs args = Args<double>(300, 70, values.data(), out.data());
    CHECK(cpu::Covariance(args) == Status::kOk);
    for (int64_t i = 0; i < 70; ++i) {
      for (int64_t j = 0; j < i; ++j) CHECK(out[i * 70 + j] == out[j * 70 + i]);
    }
  }
}

TEST("refuses infinity with its index, too few observations, and stops when cancelled") {
  auto values = test::Returns<double>(20, 3, 5);
  std::vector<double> out(9);
  CovarianceArgs args = Args<double>(20, 3, values.data(), out.data());
  values[31] = -kInfinite;
  values[40] = kMissing;
  CHECK(cpu::Covariance(args) == Status::kNonFinite);
  CHECK(args.detail == 31);
  CorrelationArgs same = Correlations(args);
  CHECK(cpu::Correlation(same) == Status::kNonFinite);
  CHECK(same.detail == 31);
  args.observations = 1;
  CHECK(cpu::Covariance(args) == Status::kShape);
  CHECK(args.detail == 1);
  args.observations = 5;
  const std::atomic<uint32_t> cancelled{1};
  args.cancel = &cancelled;
  CHECK(cpu::Covariance(args) == Status::kCancelled);
  args.assets = 0;
  CHECK(cpu::Covariance(args) == Status::kOk);
}

}  // namespace
}  // namespace nautilus
