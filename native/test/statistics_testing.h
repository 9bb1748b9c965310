// What the tests of the statistics kernels share: panels with gaps, guarded memory, comparison.
#ifndef NAUTILUS_TEST_STATISTICS_TESTING_H_
#define NAUTILUS_TEST_STATISTICS_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "core/kernel_args.h"
#include "core/status.h"
#include "test/check.h"

namespace nautilus::test {

inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

template <typename T>
constexpr Dtype Kind() {
  return sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32;
}

// Returns random walks from 100, [bars, series]; about one value in twelve is missing when there are to be
// gaps.
template <typename T>
std::vector<T> Walks(int64_t bars, int64_t series, uint32_t seed, bool gaps) {
  std::vector<double> walk = Normal<double>(bars * series, seed);
  for (int64_t i = 0; i < bars * series; ++i) walk[i] += i < series ? 100 : walk[i - series];
  std::vector<T> values(walk.begin(), walk.end());
  std::mt19937 engine(seed + 1);
  for (T& value : values) {
    const uint32_t draw = engine() % 24;
    if (gaps && draw < 2) value = draw == 0 ? std::numeric_limits<T>::infinity() : static_cast<T>(kNone);
  }
  return values;
}

// Elements that start `shift` places after an allocation, between guard values that nothing may overwrite.
template <typename T>
class Fenced {
 public:
  Fenced(int64_t count, int64_t shift) : count_(count), shift_(shift), memory_(count + 16, kFence) {}
  Fenced(const std::vector<T>& values, int64_t shift) : Fenced(static_cast<int64_t>(values.size()), shift) {
    std::copy(values.begin(), values.end(), data());
  }
  T* data() { return memory_.data() + shift_; }
  T operator[](int64_t at) const { return memory_[shift_ + at]; }
  bool Whole() const {
    const auto fence = [](T value) { return value == kFence; };
    return std::all_of(memory_.begin(), memory_.begin() + shift_, fence) &&
           std::all_of(memory_.begin() + shift_ + count_, memory_.end(), fence);
  }

 private:
  static constexpr T kFence{77};
  int64_t count_;
  int64_t shift_;
  std::vector<T> memory_;
};

// Returns the largest difference relative to max(|expected|, floor); infinite where only one of both is NaN.
template <class One, class Expected>
double Worst(const One& one, const Expected& expected, int64_t count, double floor) {
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double a = one[i];
    const double b = expected[i];
    if (std::isnan(a) && std::isnan(b)) continue;
    if (std::isnan(a) != std::isnan(b)) return std::numeric_limits<double>::infinity();
    if (a == b) continue;  // infinities too
    worst = std::max(worst, std::abs(a - b) / std::max(std::abs(b), floor));
  }
  return worst;
}

// Runs a kernel of one panel and its reference. Returns the worst difference; infinite when anything else is
// wrong.
template <typename T, class Args>
double OnePanel(Status (*kernel)(Args&), Status (*reference)(Args&), Args args, const std::vector<T>& values,
                int64_t shift, double floor) {
  const auto count = static_cast<int64_t>(values.size());
  Fenced<T> in(values, shift);
  Fenced<T> fast(count, shift);
  Fenced<T> plain(count, 0);
  args.dtype = Kind<T>();
  args.values = in.data();
  args.out = fast.data();
  const bool ran = kernel(args) == Status::kOk;
  args.out = plain.data();
  reference(args);
  if (!ran || !fast.Whole()) return std::numeric_limits<double>::infinity();
  return Worst(fast, plain, count, floor);
}

// Runs a kernel of two panels and its reference; the worst difference.
template <typename T, class Args>
double TwoPanels(Status (*kernel)(Args&), Status (*reference)(Args&), Args args, const std::vector<T>& x,
                 const std::vector<T>& y, int64_t shift) {
  const auto count = static_cast<int64_t>(x.size());
  Fenced<T> one(x, shift);
  Fenced<T> other(y, 5 - shift);
  Fenced<T> fast(count, shift);
  Fenced<T> plain(count, 0);
  args.dtype = Kind<T>();
  args.x = one.data();
  args.y = other.data();
  args.out = fast.data();
  const bool ran = kernel(args) == Status::kOk;
  args.out = plain.data();
  reference(args);
  return ran && fast.Whole() ? Worst(fast, plain, count, 1.0) : std::numeric_limits<double>::infinity();
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_STATISTICS_TESTING_H_
