// The matrix products against textbook loops: transposes, odd sizes, alignments, element types, SIMD targets.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/matrix/reference.h"
#include "test/check.h"
#include "test/matrix_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::kMissing;

template <typename T>
std::vector<T> Sizes(std::vector<T> values) {
  for (T& value : values) value = std::abs(value);
  return values;
}

// Runs kernel and reference on the same values, in memory that starts `shift` elements after an allocation.
// Returns the largest difference relative to the sum of absolute products, which is what the rounding of a
// sum scales with.
template <typename T, class Args, class Place, class Kernel, class Reference>
double Error(Args args, int64_t left, int64_t right, int64_t result, int64_t shift, const Place& place,
             const Kernel& kernel, const Reference& reference) {
  const std::vector<T> a = test::Normal<T>(left, 1);
  const std::vector<T> b = test::Normal<T>(right, 2);
  const std::vector<T> before = test::Normal<T>(result, 3);
  test::Guarded<T> near_a(a, shift);
  test::Guarded<T> near_b(b, shift);
  test::Guarded<T> fast(before, shift);
  args.dtype = test::DtypeOf<T>();
  place(args, near_a.data(), near_b.data(), fast.data());
  if (kernel(args) != Status::kOk || !fast.Intact()) return test::kInfinite;
  std::vector<T> plain = before;
  place(args, near_a.data(), near_b.data(), plain.data());
  reference(args);
  std::vector<T> scale = Sizes(before);
  const std::vector<T> size_a = Sizes(a);
  const std::vector<T> size_b = Sizes(b);
  if constexpr (requires { args.alpha; }) {
    args.alpha = std::abs(args.alpha);
    args.beta = std::abs(args.beta);
  }
  place(args, size_a.data(), size_b.data(), scale.data());
  reference(args);
  double worst = 0;
  for (int64_t i = 0; i < result; ++i) {
    const double apart = std::abs(static_cast<double>(fast[i]) - static_cast<double>(plain[i]));
    worst = std::max(worst, apart / (static_cast<double>(scale[i]) + 1e-30));
  }
  return worst;
}

template <typename T>
double Allowed(KernelId id) {
  const KernelRow& row = KernelTable()[static_cast<size_t>(id)];
  return sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
}

template <typename T>
void CheckGemm(int64_t size, int64_t shift) {
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      GemmArgs args{};
      args.m = size;
      args.n = size + 1;
      args.k = size + 2;
      args.trans_a = trans_a;
      args.trans_b = trans_b;
      args.alpha = 1.5;
      args.beta = -0.5;
      const auto place = [](GemmArgs& to, const T* a, const T* b, T* out) {
        to.a = a;
        to.b = b;
        to.out = out;
      };
      const double far = Error<T>(args, args.m * args.k, args.k * args.n, args.m * args.n, shift, place,
                                  cpu::Gemm, cpu::reference::Gemm);
      CHECK(far <= Allowed<T>(KernelId::kGemm), "gemm %d is %g away", static_cast<int>(size), far);
    }
  }
}

template <typename T>
void CheckGemv(int64_t size, int64_t shift) {
  for (const bool trans_a : {false, true}) {
    GemvArgs args{};
    args.m = size;
    args.n = 2 * size + 1;
    args.trans_a = trans_a;
    args.alpha = -0.75;
    args.beta = 2;
    const auto place = [](GemvArgs& to, const T* a, const T* x, T* out) {
      to.a = a;
      to.x = x;
      to.out = out;
    };
    const double far =
        Error<T>(args, args.m * args.n, args.n, args.m, shift, place, cpu::Gemv, cpu::reference::Gemv);
    CHECK(far <= Allowed<T>(KernelId::kGemv), "gemv %d is %g away", static_cast<int>(size), far);
  }
}

template <typename T>
void CheckSyrk(int64_t size, int64_t shift) {
  for (const bool trans_a : {false, true}) {
    SyrkArgs args{};
    args.n = size;
    args.k = size + 3;
    args.trans_a = trans_a;
    args.alpha = 1.25;
    const auto place = [](SyrkArgs& to, const T* a, const T*, T* out) {
      to.a = a;
      to.out = out;
    };
    const double far =
        Error<T>(args, args.n * args.k, 0, args.n * args.n, shift, place, cpu::Syrk, cpu::reference::Syrk);
    CHECK(far <= Allowed<T>(KernelId::kSyrk), "syrk %d is %g away", static_cast<int>(size), far);
  }
}

template <typename T>
void CheckBatch(int64_t batch, int64_t m, int64_t n, int64_t k, int64_t shift, const char* target) {
  for (const bool trans_a : {false, true}) {
    for (const bool trans_b : {false, true}) {
      BatchedGemmArgs args{};
      args.batch = batch;
      args.m = m;
      args.n = n;
      args.k = k;
      args.trans_a = trans_a;
      args.trans_b = trans_b;
      const auto place = [](BatchedGemmArgs& to, const T* a, const T* b, T* out) {
        to.a = a;
        to.b = b;
        to.out = out;
      };
      const double far = Error<T>(args, batch * m * k, batch * k * n, batch * m * n, shift, place,
                                  cpu::BatchedGemm, cpu::reference::BatchedGemm);
      CHECK(far <= Allowed<T>(KernelId::kBatchedGemm), "%s %d x %d x %d is %g away", target,
            static_cast<int>(m), static_cast<int>(n), static_cast<int>(k), far);
    }
  }
}

TEST("gemm, gemv and syrk agree with the textbook for every transpose, size, alignment and element type") {
  for (const int64_t size : {1, 2, 3, 7, 16, 33, 64, 130}) {
    for (const int64_t shift : {0, 1, 3}) {
      CheckGemm<double>(size, shift);
      CheckGemm<float>(size, shift);
      CheckGemv<double>(size, shift);
      CheckGemv<float>(size, shift);
      CheckSyrk<double>(size, shift);
      CheckSyrk<float>(size, shift);
    }
  }
}

TEST("batched_gemm agrees with the textbook for every width, alignment and SIMD target") {
  test::OnEachTarget([](const char* target) {
    for (int64_t n = 1; n <= 35; ++n) {
      for (const int64_t m : {1, 4, 7}) {
        CheckBatch<double>(3, m, n, 5, n % 4, target);
        CheckBatch<float>(3, m, n, 5, n % 4, target);
      }
    }
    CheckBatch<double>(200, 3, 3, 3, 1, target);
    CheckBatch<float>(200, 4, 4, 4, 1, target);
    CheckBatch<double>(2, 1, 2, 3000, 1, target);
  });
}

TEST("batched_gemm agrees on both sides of the sizes where BLAS takes over") {
  for (const int64_t size : {31, 32, 47, 48, 64, 65}) {
    CheckBatch<double>(3, size, size, size, 0, "BLAS");
    CheckBatch<float>(3, size, size, size, 0, "BLAS");
  }
}

TEST("scales out by beta when the inner size is 0, and writes 0 over NaN when beta is 0") {
  std::vector<double> out = {2, 4};
  GemmArgs args{};
  args.m = 1;
  args.n = 2;
  args.alpha = 1;
  args.beta = 0.5;
  args.out = out.data();
  CHECK(cpu::Gemm(args) == Status::kOk);
  CHECK(out[0] == 1 && out[1] == 2);
  out[0] = kMissing;
  args.beta = 0;
  CHECK(cpu::Gemm(args) == Status::kOk);
  CHECK(out[0] == 0 && out[1] == 0);
  out = {kMissing, 8};
  BatchedGemmArgs batch{};
  batch.batch = 2;
  batch.m = batch.n = 1;
  batch.out = out.data();
  CHECK(cpu::BatchedGemm(batch) == Status::kOk);
  CHECK(out[0] == 0 && out[1] == 0);
}

TEST("does not read out when beta is 0") {
  const std::vector<double> one(256, 1.0);
  std::vector<double> out(256, kMissing);
  GemmArgs gemm{};
  gemm.m = gemm.n = gemm.k = 16;
  gemm.alpha = 1;
  gemm.a = gemm.b = one.data();
  gemm.out = out.data();
  CHECK(cpu::Gemm(gemm) == Status::kOk);
  for (const double value : out) CHECK(value == 16);
  std::fill(out.begin(), out.end(), kMissing);
  SyrkArgs syrk{};
  syrk.n = syrk.k = 16;
  syrk.alpha = 1;
  syrk.a = one.data();
  syrk.out = out.data();
  CHECK(cpu::Syrk(syrk) == Status::kOk);
  for (const double value : out) CHECK(value == 16);
  std::fill(out.begin(), out.end(), kMissing);
  GemvArgs gemv{};
  gemv.m = gemv.n = 16;
  gemv.alpha = 1;
  gemv.a = gemv.x = one.data();
  gemv.out = out.data();
  for (const bool trans_a : {false, true}) {
    gemv.trans_a = trans_a;
    CHECK(cpu::Gemv(gemv) == Status::kOk);
    for (int64_t i = 0; i < 16; ++i) CHECK(out[i] == 16);
  }
}

TEST("products stop when they are cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  std::vector<double> a(300 * 300, 1.0);
  std::vector<double> out(300 * 300);
  GemmArgs gemm{};
  gemm.m = gemm.n = gemm.k = 300;
  gemm.a = gemm.b = a.data();
  gemm.out = out.data();
  gemm.cancel = &cancelled;
  CHECK(cpu::Gemm(gemm) == Status::kCancelled);
  SyrkArgs syrk{};
  syrk.n = syrk.k = 300;
  syrk.a = a.data();
  syrk.out = out.data();
  syrk.cancel = &cancelled;
  CHECK(cpu::Syrk(syrk) == Status::kCancelled);
  BatchedGemmArgs batch{};
  batch.batch = 300;
  batch.m = batch.n = 10;
  batch.k = 30;
  batch.a = batch.b = a.data();
  batch.out = out.data();
  batch.cancel = &cancelled;
  CHECK(cpu::BatchedGemm(batch) == Status::kCancelled);
}

TEST("a NaN of the inputs reaches the rows and columns it belongs to, and no other") {
  std::vector<double> a(12, 1.0);
  std::vector<double> b(12, 1.0);
  std::vector<double> out(9);
  a[4] = kMissing;  // row 1
  BatchedGemmArgs batch{};
  batch.batch = 1;
  batch.m = batch.n = 3;
  batch.k = 4;
  batch.a = a.data();
  batch.b = b.data();
  batch.out = out.data();
  CHECK(cpu::BatchedGemm(batch) == Status::kOk);
  for (int64_t i = 0; i < 9; ++i) CHECK(std::isnan(out[i]) == (i / 3 == 1));
}

}  // namespace
}  // namespace nautilus
