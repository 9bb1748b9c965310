// Many matrix products in one call: own SIMD code for small ones, compiled for every target, BLAS for the
// others.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/matrix/batched_gemm.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/matrix/batched_gemm-inl.h"
#include "cpu/matrix/parallel_blas.h"
#include "cpu/matrix/support.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Products [first, last) of the batch. `turned` holds one [k, n] and is used when b is given transposed.
template <typename T>
void SmallProducts(const BatchedGemmArgs& args, int64_t first, int64_t last, T* turned) {
  const auto* a = static_cast<const T*>(args.a);
  const auto* b = static_cast<const T*>(args.b);
  auto* out = static_cast<T*>(args.out);
  const int64_t m = args.m;
  const int64_t n = args.n;
  const int64_t k = args.k;
  for (int64_t i = first; i < last; ++i) {
    const T* right = b + i * k * n;
    if (args.trans_b) {
      matrix::Transpose(right, n, k, turned);
      right = turned;
    }
    Multiply(SmallProduct<T>{m, n, k, args.trans_a ? 1 : k, args.trans_a ? m : 1, a + i * m * k, right,
                             out + i * m * n});
  }
}

void SmallProductsF64(const BatchedGemmArgs& args, int64_t first, int64_t last, double* turned) {
  SmallProducts(args, first, last, turned);
}

void SmallProductsF32(const BatchedGemmArgs& args, int64_t first, int64_t last, float* turned) {
  SmallProducts(args, first, last, turned);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(SmallProductsF64);
HWY_EXPORT(SmallProductsF32);

namespace {

// From this many multiplications on BLAS is quicker in spite of its call (one AVX-512 core, OpenBLAS 0.3.21).
template <typename T>
constexpr int64_t kBlasFrom = sizeof(T) == 8 ? 32 * 32 * 32 : 48 * 48 * 48;
void Small(const BatchedGemmArgs& args, int64_t first, int64_t last, double* turned) {
  HWY_DYNAMIC_DISPATCH(SmallProductsF64)(args, first, last, turned);
}

void Small(const BatchedGemmArgs& args, int64_t first, int64_t last, float* turned) {
  HWY_DYNAMIC_DISPATCH(SmallProductsF32)(args, first, last, turned);
}

template <typename T>
Status BatchedGemmOf(const BatchedGemmArgs& args) {
  const int64_t m = args.m;
  const int64_t n = args.n;
  const int64_t k = args.k;
  const int64_t work = m * n * k;
  auto large = [&](int64_t i) {
    matrix::ParallelGemm<T>(args.trans_a, args.trans_b, m, n, k, T{1},
                            static_cast<const T*>(args.a) + i * m * k, args.trans_a ? m : k,
                            static_cast<const T*>(args.b) + i * k * n, args.trans_b ? k : n, T{0},
                            static_cast<T*>(args.out) + i * m * n, n);
  };
  if (work >= matrix::kWorthThreads) {
    for (int64_t i = 0; i < args.batch; ++i) {
      if (args.Cancelled()) return Status::kCancelled;
      large(i);
    }
    return Status::kOk;
  }
  // About 50 us for a share of a thread.
  const int64_t grain = std::max<int64_t>(1, 200000 / std::max<int64_t>(work, 1));
  ParallelRanges(args.batch, grain, [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return;
    if (work < kBlasFrom<T>) {
      HWY_ALIGN T turned[48 * 48];
      std::vector<T> more(args.trans_b && k * n > 48 * 48 ? k * n : 0);
      Small(args, first, last, more.empty() ? turned : more.data());
    } else {
      for (int64_t i = first; i < last; ++i) large(i);
    }
  });
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

}  // namespace

Status BatchedGemm(BatchedGemmArgs& args) {
  const int64_t elements = args.batch * args.m * args.n;
  if (elements == 0) return Status::kOk;
  return matrix::WithType(args.dtype, [&](auto type) {
    using T = decltype(type);
    if (args.k > 0) return BatchedGemmOf<T>(args);
    std::fill_n(static_cast<T*>(args.out), elements, T{0});
    return Status::kOk;
  });
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
