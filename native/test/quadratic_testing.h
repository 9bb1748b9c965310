// What the tests of quadratic programs share: problems near their answer, and runs of a call.
#ifndef NAUTILUS_TEST_QUADRATIC_TESTING_H_
#define NAUTILUS_TEST_QUADRATIC_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/generated/matrix_args.h"
#include "core/status.h"
#include "test/check.h"
#include "test/matrix_testing.h"

namespace nautilus::test {

// Problems whose residuals are small: z is about a x, and q about -(p x + a' y), to a part in `close`.
template <typename T>
struct Quadratic {
  Quadratic(int64_t batch, int64_t n, int64_t m, double close, uint32_t seed)
      : p(Normal<T>(batch * n * n, seed)),
        a(Normal<T>(batch * m * n, seed + 1)),
        x(Normal<T>(batch * n, seed + 2)),
        y(Normal<T>(batch * m, seed + 3)),
        z(Normal<T>(batch * m, seed + 4)),
        q(Normal<T>(batch * n, seed + 5)) {
    args.dtype = DtypeOf<T>();
    args.batch = batch, args.variables = n, args.constraints = m;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t i = 0; i < m; ++i) {
        double ax = 0;
        for (int64_t j = 0; j < n; ++j) ax += double(a[(b * m + i) * n + j]) * double(x[b * n + j]);
        z[b * m + i] = static_cast<T>(ax + double(z[b * m + i]) / close);
      }
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < n; ++k) sum += double(p[(b * n + j) * n + k]) * double(x[b * n + k]);
        for (int64_t i = 0; i < m; ++i) sum += double(a[(b * m + i) * n + j]) * double(y[b * m + i]);
        q[b * n + j] = static_cast<T>(double(q[b * n + j]) / close - sum);
      }
    }
    Point();
  }

  void Point() {
    args.p = p.data(), args.a = a.data(), args.x = x.data();
    args.y = y.data(), args.z = z.data(), args.q = q.data();
  }

  QpProductsArgs args{};
  std::vector<T> p, a, x, y, z, q;
};

template <typename T>
struct Residuals {
  std::vector<T> primal, dual, primal_norm, dual_norm, ax, px, aty;
};

// Runs a call over guarded memory; empty when it fails or writes where it may not.
template <typename T, class Kernel>
Residuals<T> ResidualsOf(const Kernel& kernel, QpProductsArgs args, int64_t shift, bool wants = true) {
  const int64_t rows = args.batch * args.constraints;
  const int64_t columns = args.batch * args.variables;
  Guarded<T> primal(rows, shift), dual(columns, shift), primal_norm(args.batch, shift);
  Guarded<T> dual_norm(args.batch, shift), ax(rows, shift), px(columns, shift), aty(columns, shift);
  args.primal = primal.data(), args.dual = dual.data();
  args.primal_norm = primal_norm.data(), args.dual_norm = dual_norm.data();
  if (wants) args.ax = ax.data(), args.px = px.data(), args.aty = aty.data();
  if (kernel(args) != Status::kOk) return {};
  const auto all = [](Guarded<T>& array) {
    CHECK(array.Intact());
    return std::vector<T>(array.data(), array.data() + array.size());
  };
  return {all(primal), all(dual), all(primal_norm), all(dual_norm), all(ax), all(px), all(aty)};
}

// The largest difference of all arrays: relative to the number itself, or to `floor` times `scale` where that
// is more.
template <typename T>
double Apart(const Residuals<T>& found, const Residuals<T>& expected, double scale, double floor) {
  double worst = 0;
  for (const auto array :
       {&Residuals<T>::primal, &Residuals<T>::dual, &Residuals<T>::primal_norm, &Residuals<T>::dual_norm,
        &Residuals<T>::ax, &Residuals<T>::px, &Residuals<T>::aty}) {
    const std::vector<T>& one = found.*array;
    const std::vector<T>& other = expected.*array;
    if (one.size() != other.size()) return kInfinite;
    for (size_t i = 0; i < other.size(); ++i) {
      if (std::isnan(one[i]) && std::isnan(other[i])) continue;
      const double far = std::abs(double(one[i]) - double(other[i]));
      if (std::isnan(far)) return kInfinite;
      worst = std::max(worst, far / std::max(std::abs(double(other[i])), floor * scale));
    }
  }
  return worst;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_QUADRATIC_TESTING_H_
