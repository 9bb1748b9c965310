// Products and residuals of quadratic programs. A row of a serves a x and a' y while it is in the cache.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/matrix/quadratic.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernel_table.h"
#include "core/matrix_call.h"
#include "core/parallel.h"
#include "cpu/statistics/reduce-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Elements of a matrix that are worth a task of their own.
constexpr int64_t kTask = 64 * 1024;
// Most parts of a' y that have to be kept and added.
constexpr int64_t kMostParts = 32;

template <typename T>
HWY_INLINE double RowTimes(const T* HWY_RESTRICT row, const double* HWY_RESTRICT x, int64_t count) {
  return SumOver(count, [&](auto d, int64_t at)
                            HWY_ATTR { return hn::Mul(LoadRow(d, row + at), hn::LoadU(d, x + at)); });
}

template <typename T>
T Known(double value) {
  const T rounded = static_cast<T>(value);
  return std::isfinite(rounded) ? rounded : std::numeric_limits<T>::quiet_NaN();
}

// One problem: pointers into the arrays of the call, null where nobody wants the array.
template <typename T>
struct Problem {
  int64_t n, m;
  const T *p, *q, *a, *x, *y, *z;
  T *primal, *dual, *ax, *px, *aty;
  CancelFlag cancel;

  void Run(Outcome& outcome) const {
    const int64_t rows =
        std::max({int64_t{1}, kTask / std::max<int64_t>(1, n), (m + kMostParts - 1) / kMostParts});
    const int64_t parts = (m + rows - 1) / rows;
    const Scratch<double> wide(n);
    const Scratch<double> sums(parts * n);
    if (!wide || !sums) return outcome.OutOfMemory();
    for (int64_t j = 0; j < n; ++j) wide[j] = static_cast<double>(x[j]);
    ParallelFor(parts, [&](int64_t part) {
      if (IsCancelled(cancel)) return outcome.Cancelled();
      Constraints(part * rows, std::min(m, (part + 1) * rows), wide.get(), sums.get() + part * n);
    });
    ParallelRanges(n, std::max<int64_t>(1, kTask / std::max<int64_t>(1, n)),
                   [&](int64_t first, int64_t last) {
                     if (IsCancelled(cancel)) return outcome.Cancelled();
                     for (int64_t j = first; j < last; ++j) Variable(j, wide.get(), sums.get(), parts);
                   });
  }

  void Constraints(int64_t first, int64_t last, const double* wide, double* HWY_RESTRICT sums) const {
    std::fill_n(sums, n, 0.0);
    for (int64_t i = first; i < last; ++i) {
      const T* row = a + i * n;
      const double product = RowTimes(row, wide, n);
      primal[i] = Known<T>(product - static_cast<double>(z[i]));
      if (ax != nullptr) ax[i] = Known<T>(product);
      const double by = static_cast<double>(y[i]);
      ForLanes<kDoubles>(0, n, [&](auto d, int64_t at) HWY_ATTR {
        const auto more = hn::MulAdd(hn::Set(d, by), LoadRow(d, row + at), hn::LoadU(d, sums + at));
        hn::StoreU(more, d, sums + at);
      });
    }
  }

  void Variable(int64_t j, const double* wide, const double* sums, int64_t parts) const {
    const double product = RowTimes(p + j * n, wide, n);
    double turned = 0;
    for (int64_t part = 0; part < parts; ++part) turned += sums[part * n + j];
    dual[j] = Known<T>(product + static_cast<double>(q[j]) + turned);
    if (px != nullptr) px[j] = Known<T>(product);
    if (aty != nullptr) aty[j] = Known<T>(turned);
  }
};

template <typename T>
void ProblemsOf(const QpProductsArgs& args, Outcome& outcome) {
  const int64_t n = args.variables;
  const int64_t m = args.constraints;
  const auto from = [](const void* array, int64_t at) { return static_cast<const T*>(array) + at; };
  const auto to = [](void* array, int64_t at) {
    return array == nullptr ? nullptr : static_cast<T*>(array) + at;
  };
  // Problems that are worth several tasks go one after the other, and their tasks side by side.
  const int64_t work = n * (n + m);
  const int64_t grain =
      work > 4 * kTask ? args.batch : std::max<int64_t>(1, kTask / std::max<int64_t>(1, work));
  ParallelRanges(args.batch, grain, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      if (args.Cancelled()) return outcome.Cancelled();
      const Problem<T> problem{n,
                               m,
                               from(args.p, i * n * n),
                               from(args.q, i * n),
                               from(args.a, i * m * n),
                               from(args.x, i * n),
                               from(args.y, i * m),
                               from(args.z, i * m),
                               to(args.primal, i * m),
                               to(args.dual, i * n),
                               to(args.ax, i * m),
                               to(args.px, i * n),
                               to(args.aty, i * n),
                               args.cancel};
      problem.Run(outcome);
    }
  });
}

void ProblemsAny(const QpProductsArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? ProblemsOf<double>(args, outcome) : ProblemsOf<float>(args, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(ProblemsAny);

namespace {

template <typename T>
void NormsOf(const void* residuals, int64_t batch, int64_t length, void* norms) {
  for (int64_t i = 0; i < batch; ++i) {
    T norm{0};
    for (int64_t j = 0; j < length; ++j) {
      const T size = std::abs(static_cast<const T*>(residuals)[i * length + j]);
      // Once NaN, it stays.
      norm = std::isnan(size) || size > norm ? size : norm;
      if (std::isnan(norm)) break;
    }
    static_cast<T*>(norms)[i] = norm;
  }
}

}  // namespace

void QpNorms(const QpProductsArgs& args) {
  const auto norms = args.dtype == Dtype::kF64 ? NormsOf<double> : NormsOf<float>;
  norms(args.primal, args.batch, args.constraints, args.primal_norm);
  norms(args.dual, args.batch, args.variables, args.dual_norm);
}

Status QpProducts(QpProductsArgs& args) {
  if (args.batch == 0) return Status::kOk;
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(ProblemsAny)(args, outcome);
  const Status status = outcome.Take();
  if (status == Status::kOk) QpNorms(args);
  return status;
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
