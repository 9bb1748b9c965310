// What the matrix kernels share: dispatch on the element type, search for NaN and infinity, symmetric
// storage.
#ifndef NAUTILUS_CPU_MATRIX_SUPPORT_H_
#define NAUTILUS_CPU_MATRIX_SUPPORT_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/kernel_call.h"
#include "core/status.h"

namespace nautilus::cpu::matrix {

// Calls body(T{}) with T the call's element type.
template <class Body>
Status WithType(Dtype dtype, Body&& body) {
  return dtype == Dtype::kF64 ? body(double{}) : body(float{});
}

// Returns whether all `count` values are finite. Integers, because compilers may reorder their sums: it runs
// as fast as memory answers.
template <typename T>
bool AllFinite(const T* values, int64_t count) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
  constexpr Bits kExponent = sizeof(T) == 8 ? Bits{0x7FF} << (sizeof(T) == 8 ? 52 : 0) : Bits{0x7F800000};
  constexpr Bits kCarry = kExponent & ~(kExponent << 1);
  constexpr int64_t kBlock = 1024;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t last = std::min(count, first + kBlock);
    Bits full{0};  // the top bit is set once an exponent is all ones
    for (int64_t i = first; i < last; ++i) full |= (std::bit_cast<Bits>(values[i]) & kExponent) + kCarry;
    if (full >> (sizeof(T) * 8 - 1)) return false;
  }
  return true;
}

// Returns the index of the first NaN or infinity, or -1.
template <typename T>
int64_t FirstNonFinite(const T* values, int64_t count) {
  constexpr int64_t kBlock = 4096;
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t last = std::min(count, first + kBlock);
    if (AllFinite(values + first, last - first)) continue;
    for (int64_t i = first; i < last; ++i) {
      if (!std::isfinite(values[i])) return i;
    }
  }
  return -1;
}

// Returns the index of the first NaN or infinity in the lower triangle of a row-major [n, n], or -1.
template <typename T>
int64_t FirstNonFiniteLower(const T* values, int64_t n) {
  for (int64_t row = 0; row < n; ++row) {
    const int64_t at = FirstNonFinite(values + row * n, row + 1);
    if (at >= 0) return row * n + at;
  }
  return -1;
}

// Copies the lower triangle of a row-major [n, n] over the upper one, tile by tile so that both stay in
// cache.
template <typename T>
void MirrorLower(T* values, int64_t n) {
  constexpr int64_t kTile = 32;
  for (int64_t top = 0; top < n; top += kTile) {
    const int64_t bottom = std::min(n, top + kTile);
    for (int64_t left = 0; left <= top; left += kTile) {
      for (int64_t row = top; row < bottom; ++row) {
        const int64_t right = std::min({n, left + kTile, row});
        for (int64_t column = left; column < right; ++column) {
          values[column * n + row] = values[row * n + column];
        }
      }
    }
  }
}

// Writes the lower triangle of a row-major [n, n] and zeros above it. The two may be the same memory.
template <typename T>
void CopyLower(const T* values, int64_t n, T* out) {
  for (int64_t row = 0; row < n; ++row) {
    if (out != values) std::copy(values + row * n, values + row * n + row + 1, out + row * n);
    std::fill(out + row * n + row + 1, out + (row + 1) * n, T{0});
  }
}

// Writes the transpose of row-major values[rows, columns], tile by tile so that both stay in cache.
template <typename T>
void Transpose(const T* values, int64_t rows, int64_t columns, T* out) {
  constexpr int64_t kTile = 32;
  for (int64_t top = 0; top < rows; top += kTile) {
    const int64_t bottom = std::min(rows, top + kTile);
    for (int64_t left = 0; left < columns; left += kTile) {
      const int64_t right = std::min(columns, left + kTile);
      for (int64_t row = top; row < bottom; ++row) {
        for (int64_t column = left; column < right; ++column) {
          out[column * rows + row] = values[row * columns + column];
        }
      }
    }
  }
}

// Returns -1 when the component of `vector` that is largest in size is negative, else 1; of equal ones the
// first decides. Vectors that are defined up to their sign are multiplied by it, so that each run answers the
// same.
template <typename T>
T SignOf(const T* vector, int64_t count) {
  T largest{0};
  for (int64_t i = 0; i < count; ++i) {
    if (std::abs(vector[i]) > std::abs(largest)) largest = vector[i];
  }
  return largest < T{0} ? T{-1} : T{1};
}

// Gives each row of [rows, columns] the sign of SignOf.
template <typename T>
void FixSigns(T* vectors, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    T* vector = vectors + row * columns;
    if (SignOf(vector, columns) > T{0}) continue;
    for (int64_t i = 0; i < columns; ++i) vector[i] = -vector[i];
  }
}

}  // namespace nautilus::cpu::matrix

#endif  // NAUTILUS_CPU_MATRIX_SUPPORT_H_
