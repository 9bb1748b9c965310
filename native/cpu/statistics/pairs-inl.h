// What a window of pairs of values is summarised by: covariance, correlation, a regression line. Rules as in
// moments-inl.h. Include inside foreach_target; lanes = series.
#if defined(NAUTILUS_CPU_STATISTICS_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_PAIRS_INL_H_
#undef NAUTILUS_CPU_STATISTICS_PAIRS_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_PAIRS_INL_H_
#endif

#include <cstdint>

#include "cpu/statistics/moments-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// kLine: y = intercept + slope x through pairs (x, y). kTrend: the same with x = bars since the oldest bar of
// the window.
enum class Pairing { kCovariance, kCorrelation, kLine, kTrend };

template <Pairing kPairing>
struct PairOf {
  static constexpr bool kTrends = kPairing == Pairing::kTrend;
  static constexpr bool kFits = kTrends || kPairing == Pairing::kLine;
  static constexpr bool kSquares = kPairing != Pairing::kCovariance;
  static constexpr int kInputs = kTrends ? 1 : 2;  // y, x
  static constexpr int kStates = kSquares ? 6 : 4;
  static constexpr int kOutputs = kFits ? 4 : 1;  // slope, intercept, r squared, residual
  static constexpr bool kShifts = true;

  template <class D, class V = hn::Vec<D>>
  struct At {
    D d;
    V n, mean_x, mean_y, xy, xx, yy;
    HWY_INLINE explicit At(D tag) : d(tag), n(hn::Zero(tag)), mean_x(n), mean_y(n), xy(n), xx(n), yy(n) {}
    HWY_INLINE At(D tag, const double* from, int64_t step) : At(tag) {
      n = hn::LoadU(d, from);
      mean_x = hn::LoadU(d, from + step);
      mean_y = hn::LoadU(d, from + 2 * step);
      xy = hn::LoadU(d, from + 3 * step);
      if constexpr (kSquares) {
        xx = hn::LoadU(d, from + 4 * step);
        yy = hn::LoadU(d, from + 5 * step);
      }
    }
    HWY_INLINE void Save(double* to, int64_t step) const {
      hn::StoreU(n, d, to);
      hn::StoreU(mean_x, d, to + step);
      hn::StoreU(mean_y, d, to + 2 * step);
      hn::StoreU(xy, d, to + 3 * step);
      if constexpr (kSquares) {
        hn::StoreU(xx, d, to + 4 * step);
        hn::StoreU(yy, d, to + 5 * step);
      }
    }
    HWY_INLINE V C(double value) const { return hn::Set(d, value); }
    HWY_INLINE V X(const V* pair, int64_t position) const {
      return kTrends ? C(static_cast<double>(position)) : pair[kInputs - 1];
    }
    HWY_INLINE void Add(const V* pair, int64_t position) {
      const V x = X(pair, position);
      const V y = pair[0];
      const auto valid =
          hn::IsFinite(hn::Add(hn::Sub(x, x), hn::Sub(y, y)));  // 0 where both are finite, else NaN
      const V before = n;
      n = hn::Add(n, hn::IfThenElseZero(valid, C(1)));
      const V per = PerCount(d, n);
      const V dx = hn::IfThenElseZero(valid, hn::Sub(x, mean_x));  // 0 changes nothing below
      const V dy = hn::IfThenElseZero(valid, hn::Sub(y, mean_y));
      const V share = hn::Mul(before, per);
      xy = hn::MulAdd(hn::Mul(dx, dy), share, xy);
      if constexpr (kSquares) {
        xx = hn::MulAdd(hn::Mul(dx, dx), share, xx);
        yy = hn::MulAdd(hn::Mul(dy, dy), share, yy);
      }
      mean_x = hn::MulAdd(dx, per, mean_x);
      mean_y = hn::MulAdd(dy, per, mean_y);
    }
    HWY_INLINE void MergeEarlier(const At& a) {
      const V na = a.n;
      const V nb = n;
      n = hn::Add(na, nb);
      const V part = hn::Mul(nb, PerCount(d, n));
      const V share = hn::Mul(na, part);
      const V dx = hn::Sub(mean_x, a.mean_x);
      const V dy = hn::Sub(mean_y, a.mean_y);
      xy = hn::MulAdd(hn::Mul(dx, dy), share, hn::Add(a.xy, xy));
      if constexpr (kSquares) {
        xx = hn::MulAdd(hn::Mul(dx, dx), share, hn::Add(a.xx, xx));
        yy = hn::MulAdd(hn::Mul(dy, dy), share, hn::Add(a.yy, yy));
      }
      mean_x = hn::MulAdd(dx, part, a.mean_x);
      mean_y = hn::MulAdd(dy, part, a.mean_y);
    }
    HWY_INLINE void Finish(const WindowRule& rule, const V* pair, int64_t position, int64_t oldest,
                           const double* origins, int64_t step, V* out) const {
      if constexpr (kPairing == Pairing::kCovariance) {
        const V value = hn::Div(xy, hn::Max(hn::Sub(n, C(rule.ddof)), C(1)));
        out[0] = WhereEnough(d, rule, rule.ddof + 1, n, value);
      } else if constexpr (kPairing == Pairing::kCorrelation) {
        const V value = hn::Div(xy, hn::Mul(hn::Sqrt(xx), hn::Sqrt(yy)));
        out[0] = WhereEnough(d, rule, 2, n, Within(d, -1, 1, value));
      } else {
        const V slope = hn::Div(xy, xx);  // 0 / 0 is the NaN that is due when x never moved
        const V origin_y = hn::LoadU(d, origins);
        const V origin_x = kTrends ? C(static_cast<double>(oldest)) : hn::LoadU(d, origins + step);
        const V far = kTrends ? hn::Sub(mean_x, origin_x) : hn::Add(mean_x, origin_x);
        const V intercept = hn::Sub(hn::Add(mean_y, origin_y), hn::Mul(slope, far));
        const V fit = hn::Div(hn::Mul(xy, slope), yy);
        const V near = hn::Sub(X(pair, position), mean_x);
        const V residual = hn::Sub(hn::Sub(pair[0], mean_y), hn::Mul(slope, near));
        out[0] = WhereEnough(d, rule, 2, n, slope);
        out[1] = WhereEnough(d, rule, 2, n, intercept);
        out[2] = WhereEnough(d, rule, 2, n, Within(d, 0, 1, fit));
        // Where the newest pair is missing there is nothing to compare with the line; inf - inf is NaN.
        out[3] = WhereEnough(d, rule, 2, n, hn::Add(residual, hn::Sub(residual, residual)));
      }
    }
  };
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_PAIRS_INL_H_
