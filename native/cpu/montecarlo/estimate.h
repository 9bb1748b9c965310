// Means with standard errors that are summed up in a fixed order. No payoffs, no paths.
#ifndef NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_
#define NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace nautilus::cpu {

// Returns the sum of of(value), in eight partial sums that are the same on every machine.
template <class Of>
double Sum(const double* values, int64_t count, const Of& of) {
  double part[8] = {};
  const int64_t whole = count / 8 * 8;
  for (int64_t i = 0; i < whole; i += 8) {
    for (int64_t j = 0; j < 8; ++j) part[j] += of(values[i + j]);
  }
  for (int64_t j = 0; j < count - whole; ++j) part[j] += of(values[whole + j]);
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

// Count, mean and sum of squared deviations of kFigures quantities. Merging is Chan, Golub, LeVeque 1979.
template <int kFigures>
struct Estimate {
  int64_t count = 0;
  std::array<double, kFigures> mean = {};
  std::array<double, kFigures> squares = {};

  // Replaces figure `figure` by that of `values`, whose number is `count`.
  void Set(int figure, const double* values, int64_t values_count) {
    count = values_count;
    const double center = Sum(values, count, [](double value) { return value; }) / static_cast<double>(count);
    const double squared =
        Sum(values, count, [center](double value) { return (value - center) * (value - center); });
    mean[figure] = center;
    squares[figure] = squared;
  }

  void Merge(const Estimate& other) {
    if (other.count == 0) return;
    const auto ours = static_cast<double>(count);
    const auto theirs = static_cast<double>(other.count);
    const double both = ours + theirs;
    for (int i = 0; i < kFigures; ++i) {
      const double gap = other.mean[i] - mean[i];
      mean[i] += gap * theirs / both;
      squares[i] += other.squares[i] + gap * gap * ours * theirs / both;
    }
    count += other.count;
  }

  // Standard error of the mean; NaN with a single sample.
  double Error(int figure) const {
    const auto n = static_cast<double>(count);
    return count < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares[figure] / (n - 1) / n);
  }
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_
