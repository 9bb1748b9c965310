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

// A value and where it stood, in one integer: `hi` orders by value, `lo` by place, so that equal values keep
// their order.
using Placed = hwy::uint128_t;

inline Placed MakePlaced(double value, uint64_t place) {
  Placed placed;
  placed.lo = place;
  placed.hi = OrderedBits(value);
  return placed;
}

inline bool Before(const Placed& a, const Placed& b) { return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo); }

// Sorts upwards. Below about fifty elements vqsort costs more to begin than an insertion sort takes; where
// there is no SIMD at all it would abort the process.
class PlacedSorter {
 public:
  void operator()(Placed* values, int64_t count) const {
    if (count >= kFew && simd_) return sorter_(values, static_cast<size_t>(count), hwy::SortAscending());
    if (count >= kFew) return std::sort(values, values + count, Before);
    for (int64_t i = 1; i < count; ++i) {
      const Placed value = values[i];
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

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_SORTING_H_
