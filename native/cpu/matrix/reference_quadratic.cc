// Textbook loops of the products of quadratic programs, in double precision.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

template <typename T>
struct Reader {
  static double At(const void* array, int64_t at) { return static_cast<const T*>(array)[at]; }
  // Writes where there is an array; returns what was written.
  static double Put(void* array, int64_t at, double value) {
    T rounded = static_cast<T>(value);
    if (!std::isfinite(rounded)) rounded = std::numeric_limits<T>::quiet_NaN();
    if (array != nullptr) static_cast<T*>(array)[at] = rounded;
    return rounded;
  }
};

double Larger(double norm, double value) {
  return std::isnan(norm) || std::isnan(value) ? std::numeric_limits<double>::quiet_NaN()
                                               : std::max(norm, std::abs(value));
}

template <typename T>
Status QpProductsOf(QpProductsArgs& args) {
  using R = Reader<T>;
  const int64_t n = args.variables;
  const int64_t m = args.constraints;
  for (int64_t b = 0; b < args.batch; ++b) {
    double norm = 0;
    for (int64_t i = 0; i < m; ++i) {
      double ax = 0;
      for (int64_t j = 0; j < n; ++j) ax += R::At(args.a, (b * m + i) * n + j) * R::At(args.x, b * n + j);
      R::Put(args.ax, b * m + i, ax);
      norm = Larger(norm, R::Put(args.primal, b * m + i, ax - R::At(args.z, b * m + i)));
    }
    R::Put(args.primal_norm, b, norm);
    norm = 0;
    for (int64_t j = 0; j < n; ++j) {
      double px = 0;
      for (int64_t k = 0; k < n; ++k) px += R::At(args.p, (b * n + j) * n + k) * R::At(args.x, b * n + k);
      double aty = 0;
      for (int64_t i = 0; i < m; ++i) aty += R::At(args.a, (b * m + i) * n + j) * R::At(args.y, b * m + i);
      R::Put(args.px, b * n + j, px);
      R::Put(args.aty, b * n + j, aty);
      norm = Larger(norm, R::Put(args.dual, b * n + j, px + R::At(args.q, b * n + j) + aty));
    }
    R::Put(args.dual_norm, b, norm);
  }
  return Status::kOk;
}

}  // namespace

Status QpProducts(QpProductsArgs& args) {
  return args.dtype == Dtype::kF64 ? QpProductsOf<double>(args) : QpProductsOf<float>(args);
}

}  // namespace nautilus::cpu::reference
