// Positive-definite systems against textbook loops: factor, solutions, inverse, and what is refused.
#include <algorithm>
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

template <typename T, class Args>
Args Call(int64_t n) {
  Args args;
  args.dtype = test::DtypeOf<T>();
  args.n = n;
  return args;
}

// The tolerance of the table for the element type.
template <typename T>
double Tolerance(KernelId id) {
  const KernelRow& row = KernelTable()[static_cast<size_t>(id)];
  return sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
}

template <class Values>
double Largest(const Values& values, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(static_cast<double>(values[i])));
  return largest;
}

// Overwrites what is above the diagonal, which no kernel may read.
template <typename T>
std::vector<T> LowerOnly(std::vector<T> a, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) a[i * n + j] = static_cast<T>(kMissing);
  }
  return a;
}

template <typename T>
void Compare(int64_t n, int64_t columns, int64_t shift) {
  test::Guarded<T> a(LowerOnly(test::Spd<T>(n, static_cast<uint32_t>(n)), n), shift);
  test::Guarded<T> b(test::Normal<T>(n * columns, 9), shift);
  test::Guarded<T> fast(n * columns, shift);
  test::Guarded<T> square(n * n, shift);
  std::vector<T> plain(std::max(n * n, n * columns));
  const int order = static_cast<int>(n);

  auto solve = Call<T, SolveSpdArgs>(n);
  solve.nrhs = columns;
  solve.a = a.data();
  solve.b = b.data();
  solve.x = fast.data();
  CHECK(cpu::SolveSpd(solve) == Status::kOk);
  solve.x = plain.data();
  CHECK(cpu::reference::SolveSpd(solve) == Status::kOk);
  double far = test::Distance(fast, plain, n * columns, Largest(plain, n * columns) + 1e-30);
  CHECK(far <= Tolerance<T>(KernelId::kSolveSpd), "solve_spd %d is %g away", order, far);

  auto inverse = Call<T, InverseSpdArgs>(n);
  inverse.a = a.data();
  inverse.out = square.data();
  CHECK(cpu::InverseSpd(inverse) == Status::kOk);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < i; ++j) CHECK(square[i * n + j] == square[j * n + i]);
  }
  inverse.out = plain.data();
  CHECK(cpu::reference::InverseSpd(inverse) == Status::kOk);
  far = test::Distance(square, plain, n * n, Largest(plain, n * n));
  CHECK(far <= Tolerance<T>(KernelId::kInverseSpd), "inverse_spd %d is %g away", order, far);

  auto factor = Call<T, CholeskyArgs>(n);
  factor.a = a.data();
  factor.l = square.data();
  CHECK(cpu::Cholesky(factor) == Status::kOk);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) CHECK(square[i * n + j] == 0);
  }
  factor.l = plain.data();
  CHECK(cpu::reference::Cholesky(factor) == Status::kOk);
  far = test::Distance(square, plain, n * n, Largest(plain, n * n));
  CHECK(far <= Tolerance<T>(KernelId::kCholesky), "cholesky %d is %g away", order, far);

  test::Guarded<T> l(LowerOnly(std::vector<T>(square.data(), square.data() + n * n), n), shift);
  auto with = Call<T, CholeskySolveArgs>(n);
  with.nrhs = columns;
  with.l = l.data();
  with.b = b.data();
  with.x = fast.data();
  CHECK(cpu::CholeskySolve(with) == Status::kOk);
  with.x = plain.data();
  CHECK(cpu::reference::CholeskySolve(with) == Status::kOk);
  far = test::Distance(fast, plain, n * columns, Largest(plain, n * columns) + 1e-30);
  CHECK(far <= Tolerance<T>(KernelId::kCholeskySolve), "cholesky_solve %d is %g away", order, far);
  CHECK(fast.Intact() && square.Intact());
}

TEST("factor, inverse and both solutions agree with the textbook and read the lower triangle only") {
  for (const int64_t n : {1, 2, 3, 7, 20, 65, 150}) {
    for (const int64_t columns : {0, 1, 3}) {
      for (const int64_t shift : {0, 1, 3}) {
        Compare<double>(n, columns, shift);
        Compare<float>(n, columns, shift);
      }
    }
  }
}

TEST("names the leading minor of a matrix that is not positive definite, as the reference does") {
  const std::vector<double> a = {4, 2, 0, 2, 1, 0, 0, 0, 1};
  const std::vector<double> b = {1, 1, 1};
  std::vector<double> out(9);
  auto solve = Call<double, SolveSpdArgs>(3);
  solve.nrhs = 1;
  solve.a = a.data();
  solve.b = b.data();
  solve.x = out.data();
  CHECK(cpu::SolveSpd(solve) == Status::kNotPositiveDefinite);
  CHECK(solve.detail == 2);
  CHECK(cpu::reference::SolveSpd(solve) == Status::kNotPositiveDefinite);
  CHECK(solve.detail == 2);
  auto inverse = Call<double, InverseSpdArgs>(3);
  inverse.a = a.data();
  inverse.out = out.data();
  CHECK(cpu::InverseSpd(inverse) == Status::kNotPositiveDefinite);
  CHECK(inverse.detail == 2);
  auto factor = Call<double, CholeskyArgs>(3);
  factor.a = a.data();
  factor.l = out.data();
  CHECK(cpu::Cholesky(factor) == Status::kNotPositiveDefinite);
  CHECK(factor.detail == 2);
  const std::vector<double> l = {1, 0, 0, 1, 1, 0, 1, 1, 0};
  auto with = Call<double, CholeskySolveArgs>(3);
  with.nrhs = 1;
  with.l = l.data();
  with.b = b.data();
  with.x = out.data();
  CHECK(cpu::CholeskySolve(with) == Status::kNotPositiveDefinite);
  CHECK(with.detail == 3);
}

TEST("refuses NaN and infinity before it writes anything, and names the first one") {
  const std::vector<double> good = {4, kMissing, 0, 4};
  const std::vector<double> bad = {2, 0, kInfinite, 2};
  const std::vector<double> b = {4, 8};
  const std::vector<double> bad_b = {1, kMissing};
  std::vector<double> x = {-7, -7, -7, -7};
  auto solve = Call<double, SolveSpdArgs>(2);
  solve.nrhs = 1;
  solve.a = bad.data();
  solve.b = b.data();
  solve.x = x.data();
  CHECK(cpu::SolveSpd(solve) == Status::kNonFinite);
  CHECK(solve.detail == 2);
  solve.a = good.data();
  solve.b = bad_b.data();
  CHECK(cpu::SolveSpd(solve) == Status::kNonFinite);
  CHECK(solve.detail == 1);
  auto factor = Call<double, CholeskyArgs>(2);
  factor.a = bad.data();
  factor.l = x.data();
  CHECK(cpu::Cholesky(factor) == Status::kNonFinite);
  CHECK(factor.detail == 2);
  auto inverse = Call<double, InverseSpdArgs>(2);
  inverse.a = bad.data();
  inverse.out = x.data();
  CHECK(cpu::InverseSpd(inverse) == Status::kNonFinite);
  auto with = Call<double, CholeskySolveArgs>(2);
  with.nrhs = 1;
  with.l = bad.data();
  with.b = b.data();
  with.x = x.data();
  CHECK(cpu::CholeskySolve(with) == Status::kNonFinite);
  for (const double value : x) CHECK(value == -7);
  solve.b = b.data();
  CHECK(cpu::SolveSpd(solve) == Status::kOk);
  CHECK(x[0] == 1 && x[1] == 2);
}

}  // namespace
}  // namespace nautilus
