// Estimates from chunks of samples, whatever the threads. No payoffs, no paths.
#ifndef NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_
#define NAUTILUS_CPU_MONTECARLO_ESTIMATE_H_

#include <algorithm>
#include <cstdint>

#include "core/estimate.h"
#include "cpu/montecarlo/chunks.h"
#include "cpu/montecarlo/paths.h"
#include "cpu/random/sobol.h"

namespace nautilus::cpu {

// Returns the slope of the regression of `y` on `x`; 0 when `x` does not move.
inline double Slope(const double* y, const double* x, int64_t count) {
  const auto n = static_cast<double>(count);
  const double mean_x = Sum(count, [&](int64_t i) { return x[i]; }) / n;
  const double mean_y = Sum(count, [&](int64_t i) { return y[i]; }) / n;
  const double square = Sum(count, [&](int64_t i) { return (x[i] - mean_x) * (x[i] - mean_x); });
  const double product = Sum(count, [&](int64_t i) { return (x[i] - mean_x) * (y[i] - mean_y); });
  return square > 0 ? product / square : 0;
}

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
