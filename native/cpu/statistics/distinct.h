// HyperLogLog: how many different numbers there are, from one register for each of 1024 parts of their
// hashes.
#ifndef NAUTILUS_CPU_STATISTICS_DISTINCT_H_
#define NAUTILUS_CPU_STATISTICS_DISTINCT_H_

#include <bit>
#include <cstdint>

namespace nautilus::cpu {

inline constexpr int kDistinctBits = 10;
inline constexpr int64_t kDistinctRegisters = int64_t{1} << kDistinctBits;

// Every bit of the result depends on every bit of the number: the finaliser of MurmurHash3.
inline uint64_t MixedBits(double value) {
  auto bits = std::bit_cast<uint64_t>(value);
  bits = (bits ^ (bits >> 33)) * 0xff51afd7ed558ccdULL;
  bits = (bits ^ (bits >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return bits ^ (bits >> 33);
}

// Notes `value`, which is neither NaN nor -0: the register keeps the longest run of zero bits, plus 1.
inline void NoteDistinct(double value, uint8_t* registers) {
  const uint64_t hash = MixedBits(value);
  const uint64_t rest = hash << kDistinctBits | uint64_t{1} << (kDistinctBits - 1);
  const auto run = static_cast<uint8_t>(std::countl_zero(rest) + 1);
  uint8_t& longest = registers[hash >> (64 - kDistinctBits)];
  longest = run > longest ? run : longest;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_DISTINCT_H_
