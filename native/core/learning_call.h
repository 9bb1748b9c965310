// What kernels of machine learning on another device share with those on the CPU.
#ifndef NAUTILUS_CORE_LEARNING_CALL_H_
#define NAUTILUS_CORE_LEARNING_CALL_H_

#include <bit>
#include <cstdint>

#include "core/generated/learning_args.h"
#include "core/status.h"

namespace nautilus::cpu {

// x 2^scale as an integer, halves away from 0: the f32 whose mantissa is shifted. What does not fit is the
// caller's fault.
inline int64_t FixedOf(float x, int scale) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const auto field = static_cast<int>(bits >> 23 & 0xFF);
  const int64_t mantissa = field == 0 ? bits & 0x7FFFFF : (bits & 0x7FFFFF) | 0x800000;
  const int shift = (field == 0 ? -149 : field - 150) + scale;
  if (shift < -24) return 0;
  const int64_t size = shift >= 0 ? mantissa << shift : (mantissa + (int64_t{1} << (-shift - 1))) >> -shift;
  return bits >> 31 != 0 ? -size : size;
}

// By which power of 2 the gradients and the hessians of f32 are multiplied, so that the sum of all rows stays
// below 2^62.
struct TreeScales {
  int gradients = 0;
  int hessians = 0;
};

// Checks gradients, hessians and nodes: kNonFinite and kInvalidOption as the kernel. Writes the scales of
// f32.
Status CheckTreeRows(TreeHistogramsArgs& args, TreeScales& scales);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_LEARNING_CALL_H_
