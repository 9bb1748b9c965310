// Products of quadratic programs against textbook loops: sizes, batches, gaps, both element types, every
// target.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/matrix/reference.h"
#include "test/check.h"
#include "test/matrix_testing.h"
#include "test/quadratic_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::kMissing;
using test::Quadratic;

template <typename T>
void CheckSize(int64_t batch, int64_t n, int64_t m, double close, const char* what) {
  const Quadratic<T> problem(batch, n, m, close, 3);
  const auto found = test::ResidualsOf<T>(cpu::QpProducts, problem.args, n % 4);
  const auto expected = test::ResidualsOf<T>(cpu::reference::QpProducts, problem.args, 0);
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kQpProducts)];
  const double allowed = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  // Sums of normal products; in f32 a residual near 0 has its digits.
  const double far = test::Apart(found, expected, static_cast<double>(n + m), sizeof(T) == 8 ? 1 : 1e-6);
  CHECK(!expected.dual_norm.empty() && far <= allowed, "%s: %d of %d by %d: %g", what, int(batch), int(n),
        int(m), far);
}

template <typename T>
void CheckSizes(const char* target) {
  for (const int64_t n : {1, 2, 3, 5, 8, 17, 31, 40}) {
    for (const int64_t m : {0, 1, 6, 19}) CheckSize<T>(3, n, m, 1, target);
    CheckSize<T>(2, n, 9, 1e5, target);
  }
  CheckSize<T>(2, 0, 4, 1, target);
}

TEST("qp_products agrees with the textbook for every size, alignment and SIMD target") {
  test::OnEachTarget([](const char* target) {
    CheckSizes<double>(target);
    CheckSizes<float>(target);
  });
  CheckSize<double>(300, 6, 4, 1, "many");
  // Many parts of a' y, and as many as there may be.
  CheckSize<double>(2, 150, 1500, 1, "long");
  CheckSize<float>(1, 3, 90'000, 1, "tall");
}

TEST("qp_products has the same bits on any number of threads") {
  const int threads = KernelThreads();
  const Quadratic<double> problem(2, 200, 1500, 1, 4);
  const auto first = test::ResidualsOf<double>(cpu::QpProducts, problem.args, 0);
  for (const int count : {1, 2, 5}) {
    SetKernelThreads(count);
    const auto again = test::ResidualsOf<double>(cpu::QpProducts, problem.args, 0);
    CHECK(!again.dual.empty() && again.dual == first.dual && again.aty == first.aty &&
          again.primal == first.primal);
  }
  SetKernelThreads(threads);
}

TEST("what is missing takes the elements and norms that depend on it, and no others") {
  Quadratic<double> problem(2, 5, 3, 1, 5);
  problem.a[5 * 3 + 5 + 2] = kMissing;  // row 1, column 2 of the second problem
  auto found = test::ResidualsOf<double>(cpu::QpProducts, problem.args, 0);
  for (int i = 0; i < 6; ++i) CHECK(std::isnan(found.primal[i]) == (i == 4), "constraint %d", i);
  for (int j = 0; j < 10; ++j) CHECK(std::isnan(found.dual[j]) == (j == 7), "variable %d", j);
  for (int b = 0; b < 2; ++b) {
    CHECK(std::isnan(found.primal_norm[b]) == (b == 1));
    CHECK(std::isnan(found.dual_norm[b]) == (b == 1));
  }
  problem.z[0] = test::kInfinite;
  found = test::ResidualsOf<double>(cpu::QpProducts, problem.args, 0);
  CHECK(std::isnan(found.primal[0]) && !std::isnan(found.ax[0]) && std::isnan(found.primal_norm[0]));
}

TEST("the norm of nothing is 0, and products that nobody wants are not written") {
  const Quadratic<double> problem(2, 4, 0, 1, 6);
  const auto found = test::ResidualsOf<double>(cpu::QpProducts, problem.args, 0, false);
  CHECK(found.primal_norm == std::vector<double>(2, 0.0) && found.dual_norm[0] > 0);
  for (const double untouched : found.px) CHECK(untouched == -777);
}

TEST("qp_products stops when it is cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  Quadratic<double> problem(2, 4, 3, 1, 6);
  problem.args.cancel = &cancelled;
  CHECK(test::ResidualsOf<double>(
            [](QpProductsArgs& args) {
              const Status status = cpu::QpProducts(args);
              CHECK(status == Status::kCancelled);
              return status;
            },
            problem.args, 0)
            .dual.empty());
}

}  // namespace
}  // namespace nautilus
