// Matrix products on the GPU against the CPU in f32, within the tolerance of the kernel table.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "core/slab.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

#if !defined(__APPLE__)
// The software device has the framework, and no window server that would say that it may be asked.
const int asked = setenv("NAUTILUS_MPS", "1", 0);
#endif

using test::On;
using test::Within;

// What differences are relative to: the largest sum of absolute products that there can be.
double ScaleOf(const std::vector<float>& a, const std::vector<float>& b, int64_t inner) {
  double largest_a = 0;
  double largest_b = 0;
  for (const float x : a) largest_a = std::max(largest_a, std::abs(static_cast<double>(x)));
  for (const float x : b) largest_b = std::max(largest_b, std::abs(static_cast<double>(x)));
  return std::max(1e-30, largest_a * largest_b * static_cast<double>(inner));
}

double Worst(const std::vector<float>& found, const std::vector<float>& expected) {
  return test::Worst(found.data(), expected.data(), found.size());
}

struct Shape {
  int64_t m, n, k;
};
constexpr Shape kShapes[] = {{1, 1, 1}, {32, 32, 16}, {33, 31, 17}, {7, 65, 40}, {70, 5, 129}, {64, 96, 0}};

TEST("gemm, transposed or not, alone or many, is the CPU's within the tolerance") {
  for (const Shape& shape : kShapes) {
    for (int form = 0; form < 8; ++form) {
      GemmArgs args{};
      args.dtype = Dtype::kF32;
      args.m = shape.m, args.n = shape.n, args.k = shape.k;
      args.trans_a = (form & 1) != 0, args.trans_b = (form & 2) != 0;
      args.alpha = 0.75, args.beta = (form & 4) != 0 ? -0.5 : 0;
      const auto a = test::Normal<float>(shape.m * shape.k, 1);
      const auto b = test::Normal<float>(shape.k * shape.n, 2);
      // With a beta of 0 what is there does not count, not even as NaN.
      auto expected = args.beta == 0
                          ? std::vector<float>(shape.m * shape.n, std::numeric_limits<float>::quiet_NaN())
                          : test::Normal<float>(shape.m * shape.n, 3);
      auto out = expected;
      args.a = a.data(), args.b = b.data();
      args.out = expected.data();
      CHECK(On(Backend::kCpu, args) == Status::kOk);
      args.out = out.data();
      CHECK(On(Backend::kMetal, args) == Status::kOk);
      const double scale = ScaleOf(a, b, shape.k) + 4;
      CHECK(Within(KernelId::kGemm, Worst(out, expected), scale), "%d x %d x %d, form %d", int(shape.m),
            int(shape.n), int(shape.k), form);
    }
  }
  BatchedGemmArgs args{};
  args.dtype = Dtype::kF32;
  args.batch = 5, args.m = 9, args.n = 40, args.k = 19, args.trans_a = true;
  const auto a = test::Normal<float>(5 * 9 * 19, 4);
  const auto b = test::Normal<float>(5 * 19 * 40, 5);
  std::vector<float> expected(5 * 9 * 40), out(5 * 9 * 40);
  args.a = a.data(), args.b = b.data();
  args.out = expected.data();
  CHECK(On(Backend::kCpu, args) == Status::kOk);
  args.out = out.data();
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  CHECK(Within(KernelId::kBatchedGemm, Worst(out, expected), ScaleOf(a, b, 19)));
}

TEST("gemv and syrk are the CPU's within the tolerance, syrk to both sides of the diagonal") {
  for (const Shape& shape : kShapes) {
    for (int form = 0; form < 4; ++form) {
      const auto a = test::Normal<float>(shape.m * shape.n, 6);
      const auto x = test::Normal<float>(shape.n, 7);
      GemvArgs gemv{};
      gemv.dtype = Dtype::kF32;
      gemv.m = shape.m, gemv.n = shape.n, gemv.trans_a = (form & 1) != 0;
      gemv.alpha = 2, gemv.beta = (form & 2) != 0 ? 0.25 : 0;
      auto expected = test::Normal<float>(shape.m, 8);
      auto out = expected;
      gemv.a = a.data(), gemv.x = x.data();
      gemv.out = expected.data();
      CHECK(On(Backend::kCpu, gemv) == Status::kOk);
      gemv.out = out.data();
      CHECK(On(Backend::kMetal, gemv) == Status::kOk);
      CHECK(Within(KernelId::kGemv, Worst(out, expected), 2 * ScaleOf(a, x, shape.n) + 4));

      SyrkArgs syrk{};
      syrk.dtype = Dtype::kF32;
      syrk.n = shape.m, syrk.k = shape.n, syrk.trans_a = (form & 1) != 0;
      syrk.alpha = 0.5, syrk.beta = (form & 2) != 0 ? 0.25 : 0;
      auto square = test::Normal<float>(shape.m * shape.m, 9);
      auto result = square;
      syrk.a = a.data();
      syrk.out = square.data();
      CHECK(On(Backend::kCpu, syrk) == Status::kOk);
      syrk.out = result.data();
      CHECK(On(Backend::kMetal, syrk) == Status::kOk);
      CHECK(Within(KernelId::kSyrk, Worst(result, square), ScaleOf(a, a, shape.n) + 4), "%d x %d, form %d",
            int(shape.m), int(shape.n), form);
    }
  }
}

TEST(
    "covariance and correlation are the CPU's within the tolerance, at a high level and with missing "
    "values") {
  for (const int64_t assets : {1, 7, 40}) {
    for (int form = 0; form < 3; ++form) {
      const int64_t observations = 90;
      auto values = test::Normal<float>(observations * assets, 10);
      if (form == 1) {
        for (float& value : values) value += 1000;
      }
      if (form == 2) values[assets * 3] = std::numeric_limits<float>::quiet_NaN();
      CovarianceArgs covariance{};
      covariance.dtype = Dtype::kF32;
      covariance.observations = observations, covariance.assets = assets;
      covariance.ddof = 1, covariance.min_pairs = 1, covariance.values = values.data();
      CorrelationArgs correlation{};
      correlation.dtype = Dtype::kF32;
      correlation.observations = observations, correlation.assets = assets;
      correlation.min_pairs = 1, correlation.values = values.data();
      std::vector<float> expected(assets * assets), out(assets * assets);
      covariance.out = expected.data();
      CHECK(On(Backend::kCpu, covariance) == Status::kOk);
      covariance.out = out.data();
      CHECK(On(Backend::kMetal, covariance) == Status::kOk);
      CHECK(Within(KernelId::kCovariance, Worst(out, expected), 2), "%d assets, form %d", int(assets), form);
      correlation.out = expected.data();
      CHECK(On(Backend::kCpu, correlation) == Status::kOk);
      correlation.out = out.data();
      CHECK(On(Backend::kMetal, correlation) == Status::kOk);
      CHECK(Within(KernelId::kCorrelation, Worst(out, expected), 2), "%d assets, form %d", int(assets), form);
    }
  }
}

TEST("products in many pieces have the same bits") {
  GemmArgs args{};
  args.dtype = Dtype::kF32;
  args.m = 200, args.n = 90, args.k = 33, args.alpha = 1;
  const auto a = test::Normal<float>(200 * 33, 11);
  const auto b = test::Normal<float>(33 * 90, 12);
  args.a = a.data(), args.b = b.data();
  std::vector<float> whole(200 * 90), pieces(200 * 90);
  args.out = whole.data();
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  const test::ShortPieces pieces_are_short;
  for (int round = 0; round < 3; ++round) {
    args.out = pieces.data();
    CHECK(On(Backend::kMetal, args) == Status::kOk);
    CHECK(pieces == whole);
  }
}

TEST("large products go to Metal Performance Shaders, with the numbers of the CPU within the tolerance") {
#if !defined(__APPLE__)
  CHECK(asked == 0 && metal::Device::Get().HasProducts());
#endif
  if (!metal::Device::Get().HasProducts()) return;
  for (int form = 0; form < 4; ++form) {
    GemmArgs args{};
    args.dtype = Dtype::kF32;
    // Rows that are no multiple of a block.
    args.m = 1028, args.n = 1024, args.k = 1024;
    args.trans_a = (form & 1) != 0, args.trans_b = (form & 2) != 0;
    args.alpha = 0.5, args.beta = form == 3 ? -0.25 : 0;
    const auto a = test::Normal<float>(args.m * args.k, 21);
    const auto b = test::Normal<float>(args.k * args.n, 22);
    auto expected = test::Normal<float>(args.m * args.n, 23);
    auto out = expected;
    args.a = a.data(), args.b = b.data();
    args.out = expected.data();
    CHECK(On(Backend::kCpu, args) == Status::kOk);
    const auto products = [] {
      for (const MetalPipeline& pipeline : metal::Device::Get().pipelines()) {
        if (pipeline.kernel == metal::kProducts) return pipeline.commands;
      }
      return uint64_t{0};
    };
    const uint64_t before = products();
    args.out = out.data();
    const test::ShortPieces pieces;
    CHECK(On(Backend::kMetal, args) == Status::kOk);
    CHECK(Within(KernelId::kGemm, Worst(out, expected), ScaleOf(a, b, args.k) + 4), "form %d", form);
    CHECK(products() > before + (test::OnSoftDevice() ? 1 : 0), "form %d", form);
  }
  // A row that is no whole number of vectors is for the own kernel.
  GemmArgs odd{};
  odd.dtype = Dtype::kF32;
  odd.m = 1, odd.n = 1026, odd.k = 1024, odd.alpha = 1;
  const auto a = test::Normal<float>(odd.k, 24);
  const auto b = test::Normal<float>(odd.k * odd.n, 25);
  std::vector<float> out(1026), expected(1026);
  odd.a = a.data(), odd.b = b.data(), odd.out = expected.data();
  CHECK(On(Backend::kCpu, odd) == Status::kOk);
  odd.out = out.data();
  CHECK(On(Backend::kMetal, odd) == Status::kOk);
  CHECK(Within(KernelId::kGemm, Worst(out, expected), ScaleOf(a, b, odd.k)));
}

TEST("arrays in a slab are used where they lie, and a slab that goes is forgotten") {
  constexpr int64_t kSide = 40;
  const auto a = test::Normal<float>(kSide * kSide, 13);
  GemmArgs args{};
  args.dtype = Dtype::kF32;
  args.m = args.n = args.k = kSide, args.alpha = 1;
  std::vector<float> expected(kSide * kSide);
  args.a = args.b = a.data();
  args.out = expected.data();
  CHECK(On(Backend::kMetal, args) == Status::kOk);
  for (int round = 0; round < 3; ++round) {
    constexpr size_t kBytes = 4 * kSlabAlignment;
    auto* slab = static_cast<float*>(MapSlab(kBytes));
    CHECK(FindSlab(slab + 4, 16).memory == slab && FindSlab(slab, kBytes + 4).memory == nullptr);
    float* const left = slab + 3;
    float* const out = slab + 2 * kSlabAlignment / sizeof(float) + 5;
    std::copy(a.begin(), a.end(), left);
    args.a = args.b = left;
    args.out = out;
    const uint64_t copied = metal::Device::Get().counts().copied_bytes;
    CHECK(On(Backend::kMetal, args) == Status::kOk);
    CHECK(metal::Device::Get().counts().copied_bytes == copied);
    CHECK(std::equal(expected.begin(), expected.end(), out));
    UnmapSlab(slab, kBytes);
    CHECK(FindSlab(left, 4).memory == nullptr);
  }
}

}  // namespace
}  // namespace nautilus
