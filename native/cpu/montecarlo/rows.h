// Rows of normals for tiles of paths, from Philox or from scrambled Sobol points, whichever was asked for.
#ifndef NAUTILUS_CPU_MONTECARLO_ROWS_H_
#define NAUTILUS_CPU_MONTECARLO_ROWS_H_

#include <cstdint>
#include <vector>

#include "cpu/montecarlo/paths.h"
#include "cpu/random/sobol.h"

namespace nautilus::cpu {

// Largest number of normals of one path, and of one call.
inline constexpr int64_t kMaxDimensions = 65536;
inline constexpr double kMaxNormals = 4398046511104.0;  // 2^42

// The third word of the counters of a simulation.
inline constexpr uint32_t kPriceStream = 0;
inline constexpr uint32_t kPilotStream = 1;
inline constexpr uint32_t kMixingStream = 2;

enum class Generator : uint8_t { kPhilox10, kPhilox7, kSobol };

template <typename T>
class Rows {
 public:
  Rows(uint64_t seed, Generator generator, int64_t steps, int64_t factors, uint32_t stream)
      : keys_(seed), generator_(generator), stream_(stream), dimensions_(steps * factors) {
    if (generator == Generator::kSobol) {
      sobol_.Prepare(steps, factors, seed);
      return;
    }
    for (int64_t block = 0; 2 * block < dimensions_; ++block) {
      blocks_.emplace_back(keys_, static_cast<uint32_t>(block), stream);
    }
  }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;

  int64_t dimensions() const { return dimensions_; }

  NormalSource Source() const {
    return {.keys = &keys_,
            .blocks = blocks_.data(),
            .rounds = generator_ == Generator::kPhilox7 ? 7 : 10,
            .stream = stream_};
  }

  // Fills rows [step * factors + factor][kTilePaths]; `copy` numbers scrambled copies and is 0 for Philox.
  void Fill(int64_t copy, int64_t first_path, T* rows) const {
    if (generator_ == Generator::kSobol) return sobol_.FillTile(copy, first_path, rows);
    FillNormals(Source(), first_path, dimensions_, rows);
  }

 private:
  PhiloxKeys keys_;
  Generator generator_;
  uint32_t stream_;
  int64_t dimensions_;
  std::vector<PhiloxStep> blocks_;
  SobolPaths<T> sobol_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_ROWS_H_
