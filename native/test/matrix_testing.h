// What the tests of the matrix kernels share: panels, guarded memory, comparison by scale.
#ifndef NAUTILUS_TEST_MATRIX_TESTING_H_
#define NAUTILUS_TEST_MATRIX_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/kernel_args.h"
#include "test/check.h"

namespace nautilus::test {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinite = std::numeric_limits<double>::infinity();

template <typename T>
constexpr Dtype DtypeOf() {
  return sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32;
}

// Memory that starts `shift` elements after an allocation, between guard values that nothing may overwrite.
template <typename T>
class Guarded {
 public:
  Guarded(int64_t count, int64_t shift) : count_(count), shift_(shift), memory_(count + 16, kGuard) {}
  Guarded(const std::vector<T>& values, int64_t shift) : Guarded(static_cast<int64_t>(values.size()), shift) {
    std::copy(values.begin(), values.end(), data());
  }

  T* data() { return memory_.data() + shift_; }
  T operator[](int64_t at) const { return memory_[shift_ + at]; }
  int64_t size() const { return count_; }

  bool Intact() const {
    const auto guard = [](T value) { return value == kGuard; };
    return std::all_of(memory_.begin(), memory_.begin() + shift_, guard) &&
           std::all_of(memory_.begin() + shift_ + count_, memory_.end(), guard);
  }

 private:
  static constexpr T kGuard{-777};
  int64_t count_;
  int64_t shift_;
  std::vector<T> memory_;
};

// Returns the largest difference divided by `scale`; infinite where one is NaN and the other is not.
template <class One, class Other>
double Distance(const One& one, const Other& other, int64_t count, double scale = 1) {
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double a = one[i];
    const double b = other[i];
    if (std::isnan(a) && std::isnan(b)) continue;
    if (std::isnan(a) != std::isnan(b)) return kInfinite;
    worst = std::max(worst, std::abs(a - b) / scale);
  }
  return worst;
}

// Returns `rows` returns of `columns` assets that share a factor, in [rows, columns].
template <typename T>
std::vector<T> Returns(int64_t rows, int64_t columns, uint32_t seed) {
  std::vector<T> values = Normal<T>(rows * columns, seed);
  const std::vector<T> factor = Normal<T>(rows, seed + 1);
  for (int64_t i = 0; i < rows * columns; ++i) {
    values[i] = static_cast<T>(0.01 * (values[i] + factor[i / columns]) + 0.0005);
  }
  return values;
}

// Returns a symmetric positive-definite matrix with eigenvalues of about 1 to 5.
template <typename T>
std::vector<T> Spd(int64_t n, uint32_t seed) {
  const std::vector<double> g = Normal<double>(n * n, seed);
  std::vector<T> a(n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = i == j ? 1 : 0;
      for (int64_t p = 0; p < n; ++p) sum += g[p * n + i] * g[p * n + j] / static_cast<double>(n);
      a[i * n + j] = static_cast<T>(sum);
    }
  }
  return a;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_MATRIX_TESTING_H_
