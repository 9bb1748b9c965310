// The Cholesky solve against the textbook one, and what it refuses.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/reference.h"
#include "test/check.h"

namespace nautilus {
namespace {

// Returns g' g + I: symmetric, positive definite and well conditioned.
std::vector<double> Spd(int64_t n, uint32_t seed) {
  const std::vector<double> g = test::Normal<double>(n * n, seed);
  std::vector<double> a(n * n, 0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t p = 0; p < n; ++p) a[i * n + j] += g[p * n + i] * g[p * n + j] / static_cast<double>(n);
    }
    a[i * n + i] += 1;
  }
  return a;
}

SolveSpdArgs Args(int64_t n, int64_t columns, const std::vector<double>& a, const std::vector<double>& b,
                  std::vector<double>& x) {
  return {
      .dtype = Dtype::kF64, .n = n, .nrhs = columns, .a = a.data(), .b = b.data(), .x = x.data()};
}

TEST("solves like the textbook Cholesky within the table's tolerance") {
  const double tolerance = KernelTable()[static_cast<size_t>(KernelId::kSolveSpd)].tolerance_f64;
  for (const int64_t n : {1, 2, 3, 7, 20, 65, 150}) {
    for (const int64_t columns : {0, 1, 3}) {
      const std::vector<double> a = Spd(n, static_cast<uint32_t>(n));
      const std::vector<double> b = test::Normal<double>(n * columns, 9);
      std::vector<double> fast(n * columns);
      std::vector<double> plain(n * columns);
      SolveSpdArgs args = Args(n, columns, a, b, fast);
      CHECK(cpu::SolveSpd(args) == Status::kOk);
      SolveSpdArgs reference = Args(n, columns, a, b, plain);
      CHECK(cpu::reference::SolveSpd(reference) == Status::kOk);
      double scale = 0;
      for (const double value : plain) scale = std::max(scale, std::abs(value));
      for (size_t i = 0; i < plain.size(); ++i) CHECK(std::abs(fast[i] - plain[i]) <= tolerance * scale);
    }
  }
}

TEST("names the leading minor of a matrix that is not positive definite, as the reference does") {
  const std::vector<double> a = {4, 2, 0, 2, 1, 0, 0, 0, 1};
  const std::vector<double> b = {1, 1, 1};
  std::vector<double> x(3);
  SolveSpdArgs args = Args(3, 1, a, b, x);
  CHECK(cpu::SolveSpd(args) == Status::kNotPositiveDefinite);
  CHECK(args.detail == 2);
  CHECK(cpu::reference::SolveSpd(args) == Status::kNotPositiveDefinite);
  CHECK(args.detail == 2);
}

TEST(
    "refuses NaN and infinity in the upper triangle and in the right-hand side, and never reads the lower "
    "one") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> x(2);
  const std::vector<double> good = {4, 0, nan, 4};
  const std::vector<double> bad = {2, infinity, 0, 2};
  const std::vector<double> b = {4, 8};
  const std::vector<double> bad_b = {nan, 1};
  SolveSpdArgs args = Args(2, 1, good, b, x);
  CHECK(cpu::SolveSpd(args) == Status::kOk);
  CHECK(x[0] == 1 && x[1] == 2);
  args = Args(2, 1, bad, b, x);
  CHECK(cpu::SolveSpd(args) == Status::kNonFinite);
  args = Args(2, 1, good, bad_b, x);
  CHECK(cpu::SolveSpd(args) == Status::kNonFinite);
}

}  // namespace
}  // namespace nautilus
