// Sorting of unsigned keys by their digits: for thousands of keys in the cache, a few ordered passes are
// quicker than comparisons.
#ifndef NAUTILUS_CPU_STATISTICS_RADIX_H_
#define NAUTILUS_CPU_STATISTICS_RADIX_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "cpu/statistics/sorting.h"

namespace nautilus::cpu {

inline constexpr int kDigitBits = 11;
inline constexpr int64_t kDigits = int64_t{1} << kDigitBits;
// Digits of a uint64_t.
inline constexpr int kMostPasses = (64 + kDigitBits - 1) / kDigitBits;
// Below, counting the digits costs more than comparing keys.
inline constexpr int64_t kRadixFrom = 4096;

// Sorts `keys` upwards and returns where they are then: in `keys` or in `spare`, which has room for as many.
// Counts need kMostPasses * kDigits places. `count` is below 2^32.
template <typename Key>
Key* RadixSort(Key* keys, Key* spare, int64_t count, uint32_t* counts, const FastSorter& few) {
  if (count < kRadixFrom) {
    few(keys, count);
    return keys;
  }
  constexpr int kPasses = (static_cast<int>(sizeof(Key)) * 8 + kDigitBits - 1) / kDigitBits;
  const auto digit = [](Key key, int pass) {
    return static_cast<int64_t>(key >> (pass * kDigitBits)) & (kDigits - 1);
  };
  std::fill_n(counts, kPasses * kDigits, 0u);
  for (int64_t i = 0; i < count; ++i) {
    for (int pass = 0; pass < kPasses; ++pass) ++counts[pass * kDigits + digit(keys[i], pass)];
  }
  for (int pass = 0; pass < kPasses; ++pass) {
    uint32_t* places = counts + pass * kDigits;
    // A digit that all keys share orders nothing.
    if (places[digit(keys[0], pass)] == static_cast<uint32_t>(count)) continue;
    uint32_t before = 0;
    for (int64_t i = 0; i < kDigits; ++i) before += std::exchange(places[i], before);
    for (int64_t i = 0; i < count; ++i) spare[places[digit(keys[i], pass)]++] = keys[i];
    std::swap(keys, spare);
  }
  return keys;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_RADIX_H_
