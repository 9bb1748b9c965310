// What the simulation of one underlying is told besides its model: where its normals come from, and where
// what a payoff needs of a path goes. Plain data, the same for every SIMD target.
#ifndef NAUTILUS_CPU_MONTECARLO_PATHS_H_
#define NAUTILUS_CPU_MONTECARLO_PATHS_H_

#include <cstdint>

#include "core/montecarlo_call.h"
#include "cpu/random/philox.h"

namespace nautilus::cpu {

// Paths that are simulated side by side; a multiple of the lanes of every target.
inline constexpr int64_t kTilePaths = 64;
// Paths whose results are summed up before they are added to the rest, in the order of their numbers.
inline constexpr int64_t kChunkPaths = 4096;

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
