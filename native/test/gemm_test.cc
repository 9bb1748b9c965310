// The matrix product against the textbook loop.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/reference.h"
#include "test/check.h"

namespace nautilus {
namespace {

// Largest difference relative to the sum of absolute products, which is what the rounding of a sum scales
// with.
template <typename T>
double WorstError(int64_t m, int64_t n, int64_t k, bool transpose_a, bool transpose_b, double alpha,
                  double beta) {
  const std::vector<T> a = test::Normal<T>(m * k, 1);
  const std::vector<T> b = test::Normal<T>(k * n, 2);
  std::vector<T> fast = test::Normal<T>(m * n, 3);
  std::vector<T> plain = fast;
  std::vector<T> scale(m * n, T{1});
  std::vector<T> abs_a = a;
  std::vector<T> abs_b = b;
  for (T& value : abs_a) value = std::abs(value);
  for (T& value : abs_b) value = std::abs(value);
  GemmArgs args{.dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32,
                .m = m,
                .n = n,
                .k = k,
                .trans_a = transpose_a,
                .trans_b = transpose_b,
                .alpha = alpha,
                .beta = beta,
                .a = a.data(),
                .b = b.data(),
                .out = fast.data()};
  CHECK(cpu::Gemm(args) == Status::kOk);
  args.out = plain.data();
  cpu::reference::Gemm(args);
  GemmArgs sums = args;
  sums.alpha = std::abs(alpha);
  sums.beta = std::abs(beta);
  sums.a = abs_a.data();
  sums.b = abs_b.data();
  sums.out = scale.data();
  cpu::reference::Gemm(sums);
  double worst = 0;
  for (int64_t i = 0; i < m * n; ++i) {
    const double difference = std::abs(static_cast<double>(fast[i]) - static_cast<double>(plain[i]));
    worst = std::max(worst, difference / (static_cast<double>(scale[i]) + 1));
  }
  return worst;
}

TEST("agrees with the textbook loop within the table's tolerance for every transpose, f64 and f32") {
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kGemm)];
  for (const int64_t size : {1, 2, 3, 7, 16, 33, 64, 130}) {
    for (const bool transpose_a : {false, true}) {
      for (const bool transpose_b : {false, true}) {
        const double f64 = WorstError<double>(size, size + 1, size + 2, transpose_a, transpose_b, 1.5, -0.5);
        const double f32 = WorstError<float>(size, size + 1, size + 2, transpose_a, transpose_b, 1.5, -0.5);
        CHECK(f64 <= row.tolerance_f64, "size %d error %g", static_cast<int>(size), f64);
        CHECK(f32 <= row.tolerance_f32, "size %d error %g", static_cast<int>(size), f32);
      }
    }
  }
}

TEST("scales out by beta when the inner size is 0, and writes 0 over NaN when beta is 0") {
  std::vector<double> out = {2, 4};
  GemmArgs args{.dtype = Dtype::kF64,
                .m = 1,
                .n = 2,
                .k = 0,
                .trans_a = false,
                .trans_b = false,
                .alpha = 1,
                .beta = 0.5,
                .a = nullptr,
                .b = nullptr,
                .out = out.data()};
  CHECK(cpu::Gemm(args) == Status::kOk);
  CHECK(out[0] == 1 && out[1] == 2);
  out[0] = std::numeric_limits<double>::quiet_NaN();
  args.beta = 0;
  CHECK(cpu::Gemm(args) == Status::kOk);
  CHECK(out[0] == 0 && out[1] == 0);
}

TEST("does not read out when beta is 0") {
  const std::vector<double> one(256, 1.0);
  std::vector<double> out(256, std::numeric_limits<double>::quiet_NaN());
  GemmArgs args{.dtype = Dtype::kF64,
                .m = 16,
                .n = 16,
                .k = 16,
                .trans_a = false,
                .trans_b = false,
                .alpha = 1,
                .beta = 0,
                .a = one.data(),
                .b = one.data(),
                .out = out.data()};
  CHECK(cpu::Gemm(args) == Status::kOk);
  for (const double value : out) CHECK(value == 16);
}

}  // namespace
}  // namespace nautilus
