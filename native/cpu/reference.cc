// Textbook loops, one operation after the other, in the order that the kernel documentation states.
#include "cpu/reference.h"

#include <cmath>
#include <limits>
#include <vector>

namespace nautilus::cpu::reference {
namespace {

template <typename T>
void GemmLoop(const GemmArgs& args) {
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  T* out = static_cast<T*>(args.out);
  for (int64_t i = 0; i < args.m; ++i) {
    for (int64_t j = 0; j < args.n; ++j) {
      T sum{0};
      for (int64_t p = 0; p < args.k; ++p) {
        const T left = args.trans_a ? a[p * args.m + i] : a[i * args.k + p];
        const T right = args.trans_b ? b[j * args.k + p] : b[p * args.n + j];
        sum += left * right;
      }
      T& cell = out[i * args.n + j];
      const T kept = args.beta == 0 ? T{0} : static_cast<T>(args.beta) * cell;
      cell = static_cast<T>(args.alpha) * sum + kept;
    }
  }
}

template <typename T>
T RsiValue(T gain, T loss) {
  const T total = gain + loss;
  return total == T{0} ? T{50} : T{100} * (gain / total);
}

template <typename T>
void RsiLoop(const RsiArgs& args) {
  const T* close = static_cast<const T*>(args.close);
  T* out = static_cast<T*>(args.out);
  const T period = static_cast<T>(args.period);
  const T less_one = static_cast<T>(args.period - 1);
  for (int64_t series = 0; series < args.series; ++series) {
    T gains{0};
    T losses{0};
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      const int64_t at = bar * args.series + series;
      out[at] = std::numeric_limits<T>::quiet_NaN();
      if (bar == 0) continue;
      const T change = close[at] - close[at - args.series];
      const T gain = change <= T{0} ? T{0} : change;
      const T loss = change >= T{0} ? T{0} : -change;
      if (bar <= args.period) {
        gains += gain;
        losses += loss;
        if (bar < args.period) continue;
        gains /= period;
        losses /= period;
      } else {
        gains = (gains * less_one + gain) / period;
        losses = (losses * less_one + loss) / period;
      }
      out[at] = RsiValue(gains, losses);
    }
  }
}

}  // namespace

Status Gemm(GemmArgs& args) {
  args.dtype == Dtype::kF64 ? GemmLoop<double>(args) : GemmLoop<float>(args);
  return Status::kOk;
}

Status Rsi(RsiArgs& args) {
  args.dtype == Dtype::kF64 ? RsiLoop<double>(args) : RsiLoop<float>(args);
  return Status::kOk;
}

Status SolveSpd(SolveSpdArgs& args) {
  const auto* a = static_cast<const double*>(args.a);
  const auto* b = static_cast<const double*>(args.b);
  auto* x = static_cast<double*>(args.x);
  const int64_t n = args.n;
  const int64_t columns = args.nrhs;
  std::vector<double> u(a, a + n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i; j < n; ++j) {
      double sum = u[i * n + j];
      for (int64_t p = 0; p < i; ++p) sum -= u[p * n + i] * u[p * n + j];
      if (i == j && !(sum > 0)) {
        args.detail = i + 1;
        return Status::kNotPositiveDefinite;
      }
      u[i * n + j] = i == j ? std::sqrt(sum) : sum / u[i * n + i];
    }
  }
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < n; ++i) {
      double sum = b[i * columns + column];
      for (int64_t p = 0; p < i; ++p) sum -= u[p * n + i] * x[p * columns + column];
      x[i * columns + column] = sum / u[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; --i) {
      double sum = x[i * columns + column];
      for (int64_t p = i + 1; p < n; ++p) sum -= u[i * n + p] * x[p * columns + column];
      x[i * columns + column] = sum / u[i * n + i];
    }
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
