// Textbook Cholesky factorization and substitution, in double for both element types.
#include <cmath>
#include <vector>

#include "cpu/matrix/reference.h"

namespace nautilus::cpu::reference {
namespace {

// Fills the lower triangle of `l` from that of `a`; returns 0, or the order of the minor that is not
// positive.
template <typename T>
int64_t Factor(const T* a, int64_t n, std::vector<double>& l) {
  l.assign(n * n, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (int64_t p = 0; p < j; ++p) sum -= l[i * n + p] * l[j * n + p];
      if (i == j && !(sum > 0)) return i + 1;
      l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
    }
  }
  return 0;
}

// x = (l l')^-1 b, column by column.
template <typename L, typename T>
void Substitute(const L* l, int64_t n, const T* b, int64_t columns, T* x) {
  std::vector<double> y(n);
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < n; ++i) {
      double sum = b[i * columns + column];
      for (int64_t p = 0; p < i; ++p) sum -= l[i * n + p] * y[p];
      y[i] = sum / l[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; --i) {
      double sum = y[i];
      for (int64_t p = i + 1; p < n; ++p) sum -= l[p * n + i] * y[p];
      y[i] = sum / l[i * n + i];
    }
    for (int64_t i = 0; i < n; ++i) x[i * columns + column] = static_cast<T>(y[i]);
  }
}

template <typename T>
Status SolveOf(SolveSpdArgs& args) {
  std::vector<double> l;
  args.detail = Factor(static_cast<const T*>(args.a), args.n, l);
  if (args.detail > 0) return Status::kNotPositiveDefinite;
  Substitute(l.data(), args.n, static_cast<const T*>(args.b), args.nrhs, static_cast<T*>(args.x));
  return Status::kOk;
}

template <typename T>
Status CholeskyOf(CholeskyArgs& args) {
  std::vector<double> l;
  args.detail = Factor(static_cast<const T*>(args.a), args.n, l);
  if (args.detail > 0) return Status::kNotPositiveDefinite;
  for (int64_t i = 0; i < args.n * args.n; ++i) static_cast<T*>(args.l)[i] = static_cast<T>(l[i]);
  return Status::kOk;
}

template <typename T>
Status InverseOf(InverseSpdArgs& args) {
  std::vector<double> l;
  args.detail = Factor(static_cast<const T*>(args.a), args.n, l);
  if (args.detail > 0) return Status::kNotPositiveDefinite;
  std::vector<T> identity(args.n * args.n, T{0});
  for (int64_t i = 0; i < args.n; ++i) identity[i * (args.n + 1)] = T{1};
  Substitute(l.data(), args.n, identity.data(), args.n, static_cast<T*>(args.out));
  return Status::kOk;
}

}  // namespace

Status SolveSpd(SolveSpdArgs& args) {
  return args.dtype == Dtype::kF64 ? SolveOf<double>(args) : SolveOf<float>(args);
}

Status Cholesky(CholeskyArgs& args) {
  return args.dtype == Dtype::kF64 ? CholeskyOf<double>(args) : CholeskyOf<float>(args);
}

Status CholeskySolve(CholeskySolveArgs& args) {
  if (args.dtype == Dtype::kF64) {
    Substitute(static_cast<const double*>(args.l), args.n, static_cast<const double*>(args.b), args.nrhs,
               static_cast<double*>(args.x));
  } else {
    Substitute(static_cast<const float*>(args.l), args.n, static_cast<const float*>(args.b), args.nrhs,
               static_cast<float*>(args.x));
  }
  return Status::kOk;
}

Status InverseSpd(InverseSpdArgs& args) {
  return args.dtype == Dtype::kF64 ? InverseOf<double>(args) : InverseOf<float>(args);
}

}  // namespace nautilus::cpu::reference
