// Matrix products on the GPU; see native/metal/kernels/gemm.metal.
#include "metal/host/matrix.h"

#include <algorithm>

#include "core/matrix_call.h"
#include "metal/host/device.h"

namespace nautilus::metal {
namespace {

// As in gemm.metal.
struct GemmParams {
  uint32_t m, n, k;
  uint32_t a_rows, a_columns;
  uint32_t b_rows, b_columns;
  uint32_t first;
  uint32_t lower;
  float alpha, beta;
};
struct GemvParams {
  uint32_t rows, columns;
  uint32_t row_step, column_step;
  uint32_t first;
  float alpha, beta;
};
constexpr uint64_t kPart = 32;
constexpr uint64_t kPartThreads = 128;
constexpr uint64_t kInner = 16;
constexpr uint64_t kLanes = 32;

uint64_t PartsOf(uint64_t side) { return (side + kPart - 1) / kPart; }

size_t BytesOf(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

Binding OutOf(void* out, int64_t count, double beta) {
  return beta == 0 ? Binding::Output(out, BytesOf(count)) : Binding::Inout(out, BytesOf(count));
}

// Runs out = alpha op(a) op(b) + beta out for `batch` matrices.
Task RunGemm(GemmParams p, uint64_t batch, const void* a, const void* b, void* out, CancelFlag cancel) {
  const auto count = [batch](uint32_t rows, uint32_t columns) {
    return static_cast<int64_t>(batch * rows * static_cast<uint64_t>(columns));
  };
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(a, BytesOf(count(p.m, p.k))),
                              Binding::Input(b, BytesOf(count(p.k, p.n))),
                              OutOf(out, count(p.m, p.n), p.beta)};
  const Work work{.kernel = "gemm_f32",
                  .bindings = bindings,
                  .items = PartsOf(p.m) * PartsOf(p.n),
                  .weight = batch * kPartThreads * (p.k / kInner + 1),
                  .piece =
                      [&p, batch](uint64_t first, uint64_t parts) {
                        p.first = static_cast<uint32_t>(first);
                        return Launch{.width = parts * kPartThreads,
                                      .height = batch,
                                      .group_width = kPartThreads,
                                      .group_height = 1};
                      },
                  .cancel = cancel};
  co_return co_await Device::Get().Later(work);
}

// Whether the product goes to Metal Performance Shaders. They reach 4.3 TFLOP/s of an M4 Max at a side of
// 1,024 and 10.9 at 2,048 (github.com/chsasank/device-benchmarks issue 13); below, encoding them weighs too
// much. Rows are whole vectors of 16 bytes, as the framework recommends.
bool IsForProducts(const GemmArgs& args) {
  constexpr int64_t kLeast = 1024;
  return Device::Get().HasProducts() && std::min({args.m, args.n, args.k}) >= kLeast && args.n % 4 == 0 &&
         args.k % 4 == 0 && (!args.trans_a || args.m % 4 == 0);
}

Task RunProduct(const GemmArgs& args) {
  const Product product{.m = static_cast<uint32_t>(args.m),
                        .n = static_cast<uint32_t>(args.n),
                        .k = static_cast<uint32_t>(args.k),
                        .trans_a = args.trans_a != 0,
                        .trans_b = args.trans_b != 0,
                        .alpha = args.alpha,
                        .beta = args.beta};
  const Binding bindings[] = {Binding::Input(args.a, BytesOf(args.m * args.k)),
                              Binding::Input(args.b, BytesOf(args.k * args.n)),
                              OutOf(args.out, args.m * args.n, args.beta)};
  const auto blocks = (static_cast<uint64_t>(args.m) + kProductRows - 1) / kProductRows;
  const uint64_t parts = kProductRows / kPart * PartsOf(product.n);
  const Work work{.kernel = kProducts,
                  .bindings = bindings,
                  .items = blocks,
                  .weight = parts * kPartThreads * (product.k / kInner + 1),
                  .piece = nullptr,
                  .cancel = args.cancel,
                  .product = &product};
  co_return co_await Device::Get().Later(work);
}

// Whether all sides are what the kernels count with.
bool Fits(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kMost = int64_t{1} << 31;
  return m < kMost && n < kMost && k < kMost && PartsOf(m) * PartsOf(n) < kMost;
}

GemmParams ParamsOf(int64_t m, int64_t n, int64_t k, bool trans_a, bool trans_b, double alpha, double beta) {
  return {.m = static_cast<uint32_t>(m),
          .n = static_cast<uint32_t>(n),
          .k = static_cast<uint32_t>(k),
          .a_rows = static_cast<uint32_t>(trans_a ? 1 : k),
          .a_columns = static_cast<uint32_t>(trans_a ? m : 1),
          .b_rows = static_cast<uint32_t>(trans_b ? 1 : n),
          .b_columns = static_cast<uint32_t>(trans_b ? k : 1),
          .first = 0,
          .lower = 0,
          .alpha = static_cast<float>(alpha),
          .beta = static_cast<float>(beta)};
}

Status Gram(const float* rows, int64_t count, int64_t columns, CancelFlag cancel, float* gram) {
  if (!Fits(columns, columns, count)) return Status::kNoBackend;
  GemmParams p = ParamsOf(columns, columns, count, true, false, 1, 0);
  p.lower = 1;
  return RunGemm(p, 1, rows, rows, gram, cancel).Wait();
}

}  // namespace

Status Correlation(CorrelationArgs& args) { return cpu::CorrelationBy(Gram, args); }

Status Covariance(CovarianceArgs& args) { return cpu::CovarianceBy(Gram, args); }

Task Gemm(GemmArgs& args) {
  if (args.m == 0 || args.n == 0) co_return Status::kOk;
  if (!Fits(args.m, args.n, args.k)) co_return Status::kNoBackend;
  if (IsForProducts(args)) co_return co_await RunProduct(args);
  const GemmParams p = ParamsOf(args.m, args.n, args.k, args.trans_a, args.trans_b, args.alpha, args.beta);
  co_return co_await RunGemm(p, 1, args.a, args.b, args.out, args.cancel);
}

Task BatchedGemm(BatchedGemmArgs& args) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) co_return Status::kOk;
  if (!Fits(args.m, args.n, args.k)) co_return Status::kNoBackend;
  const GemmParams p = ParamsOf(args.m, args.n, args.k, args.trans_a, args.trans_b, 1, 0);
  co_return co_await RunGemm(p, static_cast<uint64_t>(args.batch), args.a, args.b, args.out, args.cancel);
}

Task Syrk(SyrkArgs& args) {
  if (args.n == 0) co_return Status::kOk;
  if (!Fits(args.n, args.n, args.k)) co_return Status::kNoBackend;
  GemmParams p = ParamsOf(args.n, args.n, args.k, args.trans_a, !args.trans_a, args.alpha, args.beta);
  p.lower = 1;
  co_return co_await RunGemm(p, 1, args.a, args.a, args.out, args.cancel);
}

Task Gemv(GemvArgs& args) {
  if (args.m == 0) co_return Status::kOk;
  if (!Fits(args.m, args.n, 1)) co_return Status::kNoBackend;
  GemvParams p{.rows = static_cast<uint32_t>(args.m),
               .columns = static_cast<uint32_t>(args.n),
               .row_step = static_cast<uint32_t>(args.trans_a ? 1 : args.n),
               .column_step = static_cast<uint32_t>(args.trans_a ? args.m : 1),
               .first = 0,
               .alpha = static_cast<float>(args.alpha),
               .beta = static_cast<float>(args.beta)};
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.a, BytesOf(args.m * args.n)),
                              Binding::Input(args.x, BytesOf(args.n)), OutOf(args.out, args.m, args.beta)};
  const Work work{.kernel = "gemv_f32",
                  .bindings = bindings,
                  .items = p.rows,
                  .weight = kLanes + p.columns,
                  .piece =
                      [&p](uint64_t first, uint64_t rows) {
                        p.first = static_cast<uint32_t>(first);
                        return Launch{.width = rows * kLanes};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

}  // namespace nautilus::metal
