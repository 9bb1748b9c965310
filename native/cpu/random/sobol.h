// Sobol points, scrambled by Owen's method through hashing, as integers and as the normals of simulated
// paths.
#ifndef NAUTILUS_CPU_RANDOM_SOBOL_H_
#define NAUTILUS_CPU_RANDOM_SOBOL_H_

#include <cstdint>
#include <vector>

#include "cpu/random/bridge.h"
#include "cpu/random/joe_kuo.h"

namespace nautilus::cpu {

inline constexpr int64_t kSobolDimensions = kJoeKuoDimensions;
// Scrambled copies of the points, whose spread gives the standard error.
inline constexpr int64_t kSobolCopies = 32;
// Points of one tile, as many as paths of a tile.
inline constexpr int64_t kSobolTile = 64;

// The direction numbers of the first dimensions; those of `dimension` are 32 words, the most significant bit
// first.
class SobolDirections {
 public:
  explicit SobolDirections(int64_t dimensions);
  const uint32_t* Of(int64_t dimension) const { return words_.data() + dimension * 32; }
  int64_t dimensions() const { return static_cast<int64_t>(words_.size()) / 32; }

 private:
  std::vector<uint32_t> words_;
};

// Returns the seed of Owen's scrambling for one dimension of one copy.
uint32_t SobolScramble(uint64_t seed, int64_t copy, int64_t dimension);

// Writes points [first, first + kSobolTile) of one dimension; `first` is a multiple of kSobolTile. With
// `scramble`, all digits are permuted by Laine and Karras 2011 as hashed by Burley 2020 (Practical hash-based
// Owen scrambling).
void SobolTile(const uint32_t* directions, uint32_t first, bool scrambled, uint32_t scramble, uint32_t* out);

// Writes the normals at the centres of the cells that `words` number: inverse normal of (word + 1/2) / 2^32.
void NormalsOfWords(const uint32_t* words, int64_t count, float* out);
void NormalsOfWords(const uint32_t* words, int64_t count, double* out);

// Normals of whole paths: dimensions go to the steps of each factor by a Brownian bridge, the first ones to
// the end.
template <typename T>
class SobolPaths {
 public:
  void Prepare(int64_t steps, int64_t factors, uint64_t seed);
  // Fills rows [step * factors + factor][kSobolTile] with standard normals.
  void FillTile(int64_t copy, int64_t first, T* rows) const;

 private:
  int64_t steps_ = 0;
  int64_t factors_ = 0;
  uint64_t seed_ = 0;
  SobolDirections directions_{0};
  Bridge bridge_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_RANDOM_SOBOL_H_
