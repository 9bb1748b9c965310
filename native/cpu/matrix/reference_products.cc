// Textbook loops of the matrix products.
#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

// out = alpha op(a) op(b) + beta out for one product.
template <typename T>
void Product(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, T beta, const T* a,
             const T* b, T* out) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      T sum{0};
      for (int64_t p = 0; p < k; ++p) {
        sum += (trans_a ? a[p * m + i] : a[i * k + p]) * (trans_b ? b[j * k + p] : b[p * n + j]);
      }
      T& cell = out[i * n + j];
      cell = alpha * sum + (beta == T{0} ? T{0} : beta * cell);
    }
  }
}

template <class Body>
Status OfType(Dtype dtype, Body&& body) {
  dtype == Dtype::kF64 ? body(double{}) : body(float{});
  return Status::kOk;
}

}  // namespace

Status Gemm(GemmArgs& args) {
  return OfType(args.dtype, [&](auto type) {
    using T = decltype(type);
    Product(args.trans_a, args.trans_b, args.m, args.n, args.k, static_cast<T>(args.alpha),
            static_cast<T>(args.beta), static_cast<const T*>(args.a), static_cast<const T*>(args.b),
            static_cast<T*>(args.out));
  });
}

Status Gemv(GemvArgs& args) {
  return OfType(args.dtype, [&](auto type) {
    using T = decltype(type);
    Product(args.trans_a, false, args.m, 1, args.n, static_cast<T>(args.alpha), static_cast<T>(args.beta),
            static_cast<const T*>(args.a), static_cast<const T*>(args.x), static_cast<T*>(args.out));
  });
}

Status Syrk(SyrkArgs& args) {
  return OfType(args.dtype, [&](auto type) {
    using T = decltype(type);
    Product(args.trans_a, !args.trans_a, args.n, args.n, args.k, static_cast<T>(args.alpha),
            static_cast<T>(args.beta), static_cast<const T*>(args.a), static_cast<const T*>(args.a),
            static_cast<T*>(args.out));
  });
}

Status BatchedGemm(BatchedGemmArgs& args) {
  return OfType(args.dtype, [&](auto type) {
    using T = decltype(type);
    for (int64_t i = 0; i < args.batch; ++i) {
      Product(args.trans_a, args.trans_b, args.m, args.n, args.k, T{1}, T{0},
              static_cast<const T*>(args.a) + i * args.m * args.k,
              static_cast<const T*>(args.b) + i * args.k * args.n,
              static_cast<T*>(args.out) + i * args.m * args.n);
    }
  });
}

}  // namespace nautilus::cpu::reference
