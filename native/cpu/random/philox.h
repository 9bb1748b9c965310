// Philox4x32 in plain integers: the key schedule, one block, and the constants of a step that all paths
// share.
#ifndef NAUTILUS_CPU_RANDOM_PHILOX_H_
#define NAUTILUS_CPU_RANDOM_PHILOX_H_

#include <array>
#include <cstdint>

namespace nautilus::cpu {

// Salmon, Moraes, Dror, Shaw 2011, Parallel random numbers: as easy as 1, 2, 3.
inline constexpr uint32_t kPhiloxM0 = 0xD2511F53;
inline constexpr uint32_t kPhiloxM1 = 0xCD9E8D57;
inline constexpr uint32_t kPhiloxW0 = 0x9E3779B9;
inline constexpr uint32_t kPhiloxW1 = 0xBB67AE85;
inline constexpr int kPhiloxMaxRounds = 10;

using PhiloxBlock = std::array<uint32_t, 4>;

// The round keys of one seed; its low word is the first word of the key.
struct PhiloxKeys {
  uint32_t k0[kPhiloxMaxRounds];
  uint32_t k1[kPhiloxMaxRounds];

  explicit PhiloxKeys(uint64_t seed) {
    for (uint32_t round = 0; round < kPhiloxMaxRounds; ++round) {
      k0[round] = static_cast<uint32_t>(seed) + round * kPhiloxW0;
      k1[round] = static_cast<uint32_t>(seed >> 32) + round * kPhiloxW1;
    }
  }
};

constexpr uint32_t HighWord(uint64_t product) { return static_cast<uint32_t>(product >> 32); }
constexpr uint64_t WideProduct(uint32_t a, uint32_t b) { return uint64_t{a} * b; }

// Returns the four words of one counter after `rounds` rounds.
inline PhiloxBlock Philox(PhiloxBlock c, const PhiloxKeys& keys, int rounds) {
  for (int round = 0; round < rounds; ++round) {
    const uint64_t p0 = WideProduct(kPhiloxM0, c[0]);
    const uint64_t p1 = WideProduct(kPhiloxM1, c[2]);
    c = {HighWord(p1) ^ c[1] ^ keys.k0[round], static_cast<uint32_t>(p1),
         HighWord(p0) ^ c[3] ^ keys.k1[round], static_cast<uint32_t>(p0)};
  }
  return c;
}

// A simulation counts {path, block of dimensions, stream, 0}. With the path fixed, the first two rounds and
// half of the third are the same for all blocks but for two words, and these are the same for all paths.
struct PhiloxStep {
  uint64_t second;  // enters the third word after round 2
  uint64_t third;   // enters the third word after round 3

  PhiloxStep(const PhiloxKeys& keys, uint32_t block, uint32_t stream) {
    const uint32_t first = HighWord(WideProduct(kPhiloxM1, stream)) ^ block ^ keys.k0[0];
    const uint64_t product = WideProduct(kPhiloxM0, first);
    second = HighWord(product) ^ keys.k1[1];
    third = static_cast<uint32_t>(product) ^ keys.k1[2];
  }
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_RANDOM_PHILOX_H_
