// The smallest values of an array up to a rank, found by narrowing rather than by sorting. Include inside
// foreach_target.
#if defined(NAUTILUS_CPU_STATISTICS_SELECT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_SELECT_INL_H_
#undef NAUTILUS_CPU_STATISTICS_SELECT_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_SELECT_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "cpu/statistics/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Copies the values in [low, high] to `to` (room for `count` and one vector more) and counts those below
// `low`.
HWY_INLINE int64_t Narrow(const double* HWY_RESTRICT values, int64_t count, double low, double high,
                          double* HWY_RESTRICT to, int64_t& below) {
  int64_t kept = 0;
  below = 0;
  ForLanes<kDoubles>(0, count, [&](auto d, int64_t at) HWY_ATTR {
    const auto x = hn::LoadU(d, values + at);
    const auto less = hn::Lt(x, hn::Set(d, low));
    const auto inside = hn::And(hn::Ge(x, hn::Set(d, low)), hn::Le(x, hn::Set(d, high)));
    below += static_cast<int64_t>(hn::CountTrue(d, less));
    kept += static_cast<int64_t>(hn::CompressBlendedStore(x, inside, d, to + kept));
  });
  return kept;
}

// The value with `rank` values below it, and the next one (itself again at the end), of `count` > rank finite
// values. A sample brackets the rank, one pass keeps what lies in the bracket, and little is left to select
// from (Floyd and Rivest 1975). `room` holds count + 64 doubles. The values stay as they are.
inline std::pair<double, double> SelectTwo(const double* values, int64_t count, int64_t rank, double* room) {
  constexpr int64_t kSample = 1024;
  const int64_t next = std::min(rank + 1, count - 1);
  int64_t below = 0;
  int64_t kept = 0;
  if (count > 16 * kSample) {
    double sample[kSample];
    for (int64_t i = 0; i < kSample; ++i) sample[i] = values[count / kSample * i + i % 7];
    std::sort(sample, sample + kSample);
    // Five standard deviations of a sample's rank on both sides.
    const double share = static_cast<double>(rank) / static_cast<double>(count);
    const double spread = 5 * std::sqrt(share * (1 - share) * kSample) + 3;
    const double at = share * kSample;
    const double low = at - spread < 0 ? -std::numeric_limits<double>::infinity()
                                       : sample[static_cast<int64_t>(at - spread)];
    const double high = at + spread >= kSample ? std::numeric_limits<double>::infinity()
                                               : sample[static_cast<int64_t>(at + spread)];
    kept = Narrow(values, count, low, high, room, below);
  }
  if (kept == 0 || rank < below || next >= below + kept) {  // few values, or a sample that missed
    std::copy(values, values + count, room);
    kept = count;
    below = 0;
  }
  double* const nth = room + (rank - below);
  std::nth_element(room, nth, room + kept);
  return {*nth, next == rank ? *nth : *std::min_element(nth + 1, room + kept)};
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_SELECT_INL_H_
