// Means with standard errors, summed up in a fixed order. No payoffs, no paths.
#ifndef NAUTILUS_CORE_ESTIMATE_H_
#define NAUTILUS_CORE_ESTIMATE_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace nautilus::cpu {

// Returns the sum of of(i), in eight partial sums that are the same on every machine.
template <class Of>
double Sum(int64_t count, const Of& of) {
  double part[8] = {};
  const int64_t whole = count / 8 * 8;
  for (int64_t i = 0; i < whole; i += 8) {
    for (int64_t j = 0; j < 8; ++j) part[j] += of(i + j);
  }
  for (int64_t j = 0; j < count - whole; ++j) part[j] += of(whole + j);
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

// Count, means and sums of squared deviations of some figures. Merging is Chan, Golub, LeVeque 1979.
struct Estimate {
  int64_t count = 0;
  std::vector<double> mean;
  std::vector<double> squares;

  Estimate() = default;
  explicit Estimate(size_t figures) : mean(figures), squares(figures) {}

  // Sets figure `figure` to that of `values`.
  void Set(size_t figure, const double* values, int64_t values_count) {
    count = values_count;
    const double center = Sum(count, [&](int64_t i) { return values[i]; }) / static_cast<double>(count);
    mean[figure] = center;
    squares[figure] = Sum(count, [&](int64_t i) { return (values[i] - center) * (values[i] - center); });
  }

  void Merge(const Estimate& other) {
    if (other.count == 0) return;
    const auto ours = static_cast<double>(count);
    const auto theirs = static_cast<double>(other.count);
    const double both = ours + theirs;
    for (size_t i = 0; i < mean.size(); ++i) {
      const double gap = other.mean[i] - mean[i];
      mean[i] += gap * theirs / both;
      squares[i] += other.squares[i] + gap * gap * ours * theirs / both;
    }
    count += other.count;
  }

  // Standard error of the mean; NaN with a single sample.
  double Error(size_t figure) const {
    const auto n = static_cast<double>(count);
    return count < 2 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares[figure] / (n - 1) / n);
  }
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_ESTIMATE_H_
