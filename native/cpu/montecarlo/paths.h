// What the simulation of one underlying is told: the model in per-step constants, where its normals come
// from, and where what a payoff needs of a path goes. Plain data, the same for every SIMD target.
#ifndef NAUTILUS_CPU_MONTECARLO_PATHS_H_
#define NAUTILUS_CPU_MONTECARLO_PATHS_H_

#include <cstdint>
#include <vector>

#include "cpu/random/philox.h"

namespace nautilus::cpu {

// Paths that are simulated side by side; a multiple of the lanes of every target.
inline constexpr int64_t kTilePaths = 64;
// Paths whose results are summed up before they are added to the rest, in the order of their numbers.
inline constexpr int64_t kChunkPaths = 4096;

enum class Process : uint8_t { kGbm, kMerton, kHeston, kLocalVol };

// What is watched along a path, beside its end.
enum class Watch : uint8_t { kEnd, kMeans, kExtremes, kCrossing, kAll };

// Normals that one step of a process takes.
constexpr int64_t Factors(Process process) {
  return process == Process::kGbm || process == Process::kLocalVol ? 1 : process == Process::kHeston ? 2 : 3;
}

// One process with one set of parameters, as constants of a step. A path is log(level / base); see
// processes-inl.h.
struct PathModel {
  Process process = Process::kGbm;
  Watch watch = Watch::kEnd;
  int64_t steps = 1;
  double base = 1;   // level at log 0
  double start = 0;  // log at time 0
  double step_years = 0;
  double drift = 0;      // of the log in a step, without the variance of what is not constant
  double deviation = 0;  // of the log in a step
  double barrier = 0;    // log
  // Merton: a normal above the i-th threshold makes i + 1 jumps.
  std::vector<double> jump_thresholds;
  double jump_mean = 0;
  double jump_deviation = 0;
  // Heston.
  double start_variance = 0;
  double mean_reversion = 0;
  double long_variance = 0;
  double variance_volatility = 0;
  double correlation = 0;
  // Local volatility: [steps, columns] in the element type of the call, even in the log from `grid_low` on.
  const void* grid = nullptr;
  int64_t grid_columns = 0;
  double grid_low = 0;
  double grid_columns_per_log = 0;
  double grid_shift = 0;  // added to every volatility
};

// Where normals come from: from the counters at once, or from rows [dimension][kTilePaths] that were filled
// before.
struct NormalSource {
  const PhiloxKeys* keys = nullptr;
  const PhiloxStep* blocks = nullptr;  // one for every two dimensions
  int rounds = 10;
  uint32_t stream = 0;
  const void* rows = nullptr;
  double sign = 1;  // -1 mirrors the rows
};

// What is known of each path of a tile at its end, as levels; only what the model watches is written.
template <typename T>
struct PathEnds {
  alignas(128) T spot[kTilePaths];
  alignas(128) T mean[kTilePaths];
  alignas(128) T geometric_mean[kTilePaths];
  alignas(128) T high[kTilePaths];
  alignas(128) T low[kTilePaths];
  alignas(128) T survival[kTilePaths];  // probability that the barrier was not crossed
  T* all = nullptr;                     // [steps][kTilePaths]: the level after each step
};

// Fills rows [dimensions][kTilePaths] with the normals of the paths from `first_path` on, a multiple of
// kTilePaths.
void FillNormals(const NormalSource& source, int64_t first_path, int64_t dimensions, float* rows);
void FillNormals(const NormalSource& source, int64_t first_path, int64_t dimensions, double* rows);

// Simulates kTilePaths paths from `first_path` on. Without rows only Process::kGbm can be simulated.
void SimulateTile(const PathModel& model, const NormalSource& source, int64_t first_path,
                  PathEnds<float>& ends);
void SimulateTile(const PathModel& model, const NormalSource& source, int64_t first_path,
                  PathEnds<double>& ends);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_PATHS_H_
