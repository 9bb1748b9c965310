// Plain argument structs of the kernels: what the border fills in and both backends read. No Node, no Metal.
#ifndef NAUTILUS_CORE_KERNEL_ARGS_H_
#define NAUTILUS_CORE_KERNEL_ARGS_H_

#include <cstdint>

namespace nautilus {

enum class Dtype : uint8_t { kF32 = 1, kF64 = 2 };
enum class Backend : uint8_t { kAuto = 0, kCpu = 1, kMetal = 2 };

// out = alpha * op(a) * op(b) + beta * out. Row-major and tight: op(a) is [m, k], op(b) is [k, n], out is [m,
// n]. `out` is not read when beta is 0 and must overlap neither input.
struct GemmArgs {
  Dtype dtype;
  bool transpose_a;
  bool transpose_b;
  int64_t m;
  int64_t n;
  int64_t k;
  double alpha;
  double beta;
  const void* a;
  const void* b;
  void* out;

  int64_t Elements() const { return m * n; }
};

// Relative strength index of every column of a [bars, series] panel. `out` has the shape of `close` and must
// not overlap it.
struct RsiArgs {
  Dtype dtype;
  int64_t bars;
  int64_t series;
  int64_t period;
  const void* close;
  void* out;

  int64_t Elements() const { return bars * series; }
};

// Solves a x = b for symmetric positive-definite a [n, n]; b and x are [n, right_hand_sides], row-major. Only
// the upper triangle of `a` is read; `x` may be `b` itself. `leading_minor` is set when `a` is not positive
// definite.
struct SolveSpdArgs {
  Dtype dtype;
  int64_t n;
  int64_t right_hand_sides;
  const void* a;
  const void* b;
  void* x;
  int64_t leading_minor = 0;

  int64_t Elements() const { return n * n; }
};

}  // namespace nautilus

#endif  // NAUTILUS_CORE_KERNEL_ARGS_H_
