// Means with standard errors, summed up in a fixed order whatever the threads. No payoffs, no paths.
#ifndef NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_
#define NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "cpu/montecarlo/chunks.h"
#include "cpu/montecarlo/paths.h"
#include "cpu/random/sobol.h"

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

// Returns the slope of the regression of `y` on `x`; 0 when `x` does not move.
inline double Slope(const double* y, const double* x, int64_t count) {
  const auto n = static_cast<double>(count);
  const double mean_x = Sum(count, [&](int64_t i) { return x[i]; }) / n;
  const double mean_y = Sum(count, [&](int64_t i) { return y[i]; }) / n;
  const double square = Sum(count, [&](int64_t i) { return (x[i] - mean_x) * (x[i] - mean_x); });
  const double product = Sum(count, [&](int64_t i) { return (x[i] - mean_x) * (y[i] - mean_y); });
  return square > 0 ? product / square : 0;
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

// Returns how many samples one copy takes for `paths` paths in all; a mirrored pair is one sample.
inline int64_t SamplesACopy(int64_t paths, bool antithetic, bool sobol) {
  const int64_t samples = antithetic ? (paths + 1) / 2 : paths;
  return sobol ? (samples + kSobolCopies - 1) / kSobolCopies : samples;
}

// Estimates `all` from chunks: run(copy, first sample, samples, estimate). The points of one Sobol copy
// depend on each other, the copies do not: then the copies are the samples.
template <class Run>
Status EstimateByChunks(int64_t samples_a_copy, bool sobol, CancelFlag cancel, const Run& run,
                        Estimate& all) {
  const int64_t chunks_a_copy = (samples_a_copy + kChunkPaths - 1) / kChunkPaths;
  const size_t figures = all.mean.size();
  Estimate copy(figures);
  return ForChunks<Estimate>((sobol ? kSobolCopies : 1) * chunks_a_copy, cancel,
                             [&](int64_t chunk, Estimate& estimate) {
                               const int64_t first = chunk % chunks_a_copy * kChunkPaths;
                               estimate = Estimate(figures);
                               run(chunk / chunks_a_copy, first,
                                   std::min(kChunkPaths, samples_a_copy - first), estimate);
                             },
                             [&](int64_t chunk, const Estimate& estimate) {
                               copy.Merge(estimate);
                               if (chunk % chunks_a_copy != chunks_a_copy - 1) return;
                               if (sobol) {
                                 copy.count = 1;
                                 std::fill(copy.squares.begin(), copy.squares.end(), 0);
                               }
                               all.Merge(copy);
                               copy = Estimate(figures);
                             });
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_
