// Sorting of floating-point numbers as integers of the same order, alone or with their places.
#ifndef NAUTILUS_CPU_STATISTICS_SORTING_H_
#define NAUTILUS_CPU_STATISTICS_SORTING_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "hwy/contrib/sort/vqsort.h"
#include "hwy/targets.h"

namespace nautilus::cpu {

// Returns an integer that orders like `value`; both zeros are one number. `value` is not NaN.
inline uint64_t OrderedBits(double value) {
  const uint64_t bits = std::bit_cast<uint64_t>(value + 0.0);  // -0 + 0 is +0
  return bits ^ ((bits >> 63) != 0 ? ~uint64_t{0} : uint64_t{1} << 63);
}

inline double FromOrderedBits(uint64_t ordered) {
  return std::bit_cast<double>(ordered ^ ((ordered >> 63) != 0 ? uint64_t{1} << 63 : ~uint64_t{0}));
}

// The same for an f32.
inline uint32_t OrderedBits(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value + 0.0f);
  return bits ^ ((bits >> 31) != 0 ? ~uint32_t{0} : uint32_t{1} << 31);
}

inline float FromOrderedBits(uint32_t ordered) {
  return std::bit_cast<float>(ordered ^ ((ordered >> 31) != 0 ? uint32_t{1} << 31 : ~uint32_t{0}));
}

// A value and where it stood, in one integer: `hi` orders by value, `lo` by place, so that equal values keep
// their order.
using Placed = hwy::uint128_t;

inline Placed MakePlaced(double value, uint64_t place) {
  Placed placed;
  placed.lo = place;
  placed.hi = OrderedBits(value);
  return placed;
}

inline bool Before(uint64_t a, uint64_t b) { return a < b; }
inline bool Before(uint32_t a, uint32_t b) { return a < b; }
inline bool Before(const Placed& a, const Placed& b) { return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo); }

// The same for an f32 in half the room: the value above, the place below.
inline uint64_t PackPlaced(float value, uint32_t place) { return uint64_t{OrderedBits(value)} << 32 | place; }

// Sorts upwards. Below about fifty elements vqsort costs more to begin than an insertion sort takes; where
// there is no SIMD at all it would abort the process.
class FastSorter {
 public:
  // Placed, uint64_t or uint32_t.
  template <typename Key>
  void operator()(Key* values, int64_t count) const {
    if (count >= kFew && simd_) return sorter_(values, static_cast<size_t>(count), hwy::SortAscending());
    if (count >= kFew)
      return std::sort(values, values + count, [](const Key& a, const Key& b) { return Before(a, b); });
    for (int64_t i = 1; i < count; ++i) {
      const Key value = values[i];
      int64_t at = i;
      for (; at > 0 && Before(value, values[at - 1]); --at) values[at] = values[at - 1];
      values[at] = value;
    }
  }

 private:
  static constexpr int64_t kFew = 48;
  const bool simd_ = (hwy::SupportedTargets() & ~int64_t{HWY_SCALAR | HWY_EMU128}) != 0;
  hwy::Sorter sorter_;
};

// Returns the quantile of `count` > 0 sorted OrderedBits, with linear interpolation (Hyndman and Fan 1996,
// type 7).
inline double SortedQuantile(const uint64_t* sorted, int64_t count, double probability) {
  const double at = static_cast<double>(count - 1) * probability;
  const auto low = static_cast<int64_t>(at);
  const double part = at - static_cast<double>(low);
  const double value = FromOrderedBits(sorted[low]);
  return part == 0 ? value : value + (FromOrderedBits(sorted[low + 1]) - value) * part;
}

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_SORTING_H_
