// Sums over a contiguous row, several vectors at a time. Include inside foreach_target.
#if defined(NAUTILUS_CPU_STATISTICS_REDUCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_REDUCE_INL_H_
#undef NAUTILUS_CPU_STATISTICS_REDUCE_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_REDUCE_INL_H_
#endif

#include <cstdint>

#include "cpu/statistics/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Sum of term(d, at) over [0, count): four sums hide the latency of an addition.
template <class Term>
HWY_INLINE double SumOver(int64_t count, const Term& term) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  auto s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
  int64_t at = 0;
  for (; at + 4 * lanes <= count; at += 4 * lanes) {
    s0 = hn::Add(s0, term(d, at));
    s1 = hn::Add(s1, term(d, at + lanes));
    s2 = hn::Add(s2, term(d, at + 2 * lanes));
    s3 = hn::Add(s3, term(d, at + 3 * lanes));
  }
  for (; at + lanes <= count; at += lanes) s0 = hn::Add(s0, term(d, at));
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  const hn::CappedTag<double, 1> one;
  for (; at < count; ++at) sum += hn::GetLane(term(one, at));
  return sum;
}

HWY_INLINE double DotOf(const double* HWY_RESTRICT a, const double* HWY_RESTRICT b, int64_t count) {
  return SumOver(count, [&](auto d, int64_t at)
                            HWY_ATTR { return hn::Mul(hn::LoadU(d, a + at), hn::LoadU(d, b + at)); });
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_REDUCE_INL_H_
