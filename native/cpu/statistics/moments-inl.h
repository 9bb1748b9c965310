// What a window of values is summarised by: sums, extremes, central moments. Each can take one more value and
// can be merged with the summary of other values; none ever takes a value back, so nothing cancels and a
// value that has left the window leaves no error behind. Include inside foreach_target; lanes = series.
//
// Merging of central moments: Pebay 2008, Formulas for robust, one-pass parallel computation of covariances
// and arbitrary-order statistical moments, Sandia report SAND2008-6212, equations 1.5, 2.1, 3.1, 3.8.
#if defined(NAUTILUS_CPU_STATISTICS_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_MOMENTS_INL_H_
#undef NAUTILUS_CPU_STATISTICS_MOMENTS_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_MOMENTS_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "cpu/statistics/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// What the answer of a window depends on beside its values.
struct WindowRule {
  double min_periods;  // values that a window has to hold before it has an answer
  double ddof;
};

// Each summary: kInputs panels in, kStates numbers of state, kOutputs panels out; Clear, Add one bar, Merge
// the summary of earlier bars, Finish. A NaN or an infinity is missing: it is skipped. `position` counts bars
// from an origin that is the same for everything in one window; `oldest` is the position of the window's
// first bar. With kShifts the values come less an origin of their series, which Finish finds at `origins`,
// `step` doubles from one input to the next.

// 1 / max(n, 1): an empty summary has nothing to divide.
template <class D, class V>
HWY_INLINE V PerCount(D d, V n) {
  return hn::Div(hn::Set(d, 1.0), hn::Max(n, hn::Set(d, 1.0)));
}

// `value` where at least `rule.min_periods` and `least` values were there, NaN elsewhere.
template <class D, class V>
HWY_INLINE V WhereEnough(D d, const WindowRule& rule, double least, V n, V value) {
  const double need = rule.min_periods > least ? rule.min_periods : least;
  return hn::IfThenElse(hn::Ge(n, hn::Set(d, need)), value,
                        hn::Set(d, std::numeric_limits<double>::quiet_NaN()));
}

// Sum, or mean.
template <bool kMean>
struct SumOf {
  static constexpr int kInputs = 1, kStates = 2, kOutputs = 1;
  static constexpr bool kShifts = false;
  template <class D, class V = hn::Vec<D>>
  struct At {
    D d;
    V n, sum;
    HWY_INLINE explicit At(D tag) : d(tag), n(hn::Zero(tag)), sum(hn::Zero(tag)) {}
    HWY_INLINE At(D tag, const double* from, int64_t step)
        : d(tag), n(hn::LoadU(tag, from)), sum(hn::LoadU(tag, from + step)) {}
    HWY_INLINE void Save(double* to, int64_t step) const {
      hn::StoreU(n, d, to);
      hn::StoreU(sum, d, to + step);
    }
    HWY_INLINE void Add(const V* x, int64_t) {
      const auto valid = hn::IsFinite(x[0]);
      n = hn::Add(n, hn::IfThenElseZero(valid, hn::Set(d, 1.0)));
      sum = hn::Add(sum, hn::IfThenElseZero(valid, x[0]));
    }
    HWY_INLINE void MergeEarlier(const At& a) {
      n = hn::Add(a.n, n);
      sum = hn::Add(a.sum, sum);
    }
    HWY_INLINE void Finish(const WindowRule& rule, const V*, int64_t, int64_t, const double*, int64_t,
                           V* out) const {
      const V value = kMean ? hn::Div(sum, hn::Max(n, hn::Set(d, 1.0))) : sum;
      out[0] = WhereEnough(d, rule, kMean ? 1 : 0, n, value);
    }
  };
};

// Largest, or smallest.
template <bool kLargest>
struct ExtremeOf {
  static constexpr int kInputs = 1, kStates = 2, kOutputs = 1;
  static constexpr bool kShifts = false;
  template <class D, class V = hn::Vec<D>>
  struct At {
    D d;
    V n, best;
    static HWY_INLINE V None(D tag) {
      const double infinity = std::numeric_limits<double>::infinity();
      return hn::Set(tag, kLargest ? -infinity : infinity);
    }
    static HWY_INLINE V Better(V a, V b) { return kLargest ? hn::Max(a, b) : hn::Min(a, b); }
    HWY_INLINE explicit At(D tag) : d(tag), n(hn::Zero(tag)), best(None(tag)) {}
    HWY_INLINE At(D tag, const double* from, int64_t step)
        : d(tag), n(hn::LoadU(tag, from)), best(hn::LoadU(tag, from + step)) {}
    HWY_INLINE void Save(double* to, int64_t step) const {
      hn::StoreU(n, d, to);
      hn::StoreU(best, d, to + step);
    }
    HWY_INLINE void Add(const V* x, int64_t) {
      const auto valid = hn::IsFinite(x[0]);
      n = hn::Add(n, hn::IfThenElseZero(valid, hn::Set(d, 1.0)));
      best = Better(best, hn::IfThenElse(valid, x[0], None(d)));
    }
    HWY_INLINE void MergeEarlier(const At& a) {
      n = hn::Add(a.n, n);
      best = Better(a.best, best);
    }
    HWY_INLINE void Finish(const WindowRule& rule, const V*, int64_t, int64_t, const double*, int64_t,
                           V* out) const {
      out[0] = WhereEnough(d, rule, 1, n, best);
    }
  };
};

enum class Moment { kVar, kStd, kSkew, kKurtosis };

// Variance, standard deviation, skew or excess kurtosis: count, mean and sums of powers of the distance to
// the mean.
template <Moment kMoment>
struct MomentOf {
  static constexpr int kInputs = 1, kOutputs = 1;
  static constexpr bool kShifts = true;
  static constexpr int kStates = kMoment == Moment::kSkew ? 4 : kMoment == Moment::kKurtosis ? 5 : 3;
  template <class D, class V = hn::Vec<D>>
  struct At {
    D d;
    V n, mean, m2, m3, m4;
    HWY_INLINE explicit At(D tag) : d(tag), n(hn::Zero(tag)), mean(hn::Zero(tag)), m2(n), m3(n), m4(n) {}
    HWY_INLINE At(D tag, const double* from, int64_t step) : At(tag) {
      n = hn::LoadU(d, from);
      mean = hn::LoadU(d, from + step);
      m2 = hn::LoadU(d, from + 2 * step);
      if constexpr (kStates > 3) m3 = hn::LoadU(d, from + 3 * step);
      if constexpr (kStates > 4) m4 = hn::LoadU(d, from + 4 * step);
    }
    HWY_INLINE void Save(double* to, int64_t step) const {
      hn::StoreU(n, d, to);
      hn::StoreU(mean, d, to + step);
      hn::StoreU(m2, d, to + 2 * step);
      if constexpr (kStates > 3) hn::StoreU(m3, d, to + 3 * step);
      if constexpr (kStates > 4) hn::StoreU(m4, d, to + 4 * step);
    }
    HWY_INLINE V C(double value) const { return hn::Set(d, value); }
    HWY_INLINE void Add(const V* x, int64_t) {
      const auto valid = hn::IsFinite(x[0]);
      const V before = n;
      n = hn::Add(n, hn::IfThenElseZero(valid, C(1)));
      const V delta = hn::IfThenElseZero(valid, hn::Sub(x[0], mean));  // 0 changes nothing below
      const V part = hn::Mul(delta, PerCount(d, n));
      const V term = hn::Mul(hn::Mul(delta, part), before);
      const V part2 = hn::Mul(part, part);
      if constexpr (kStates > 4) {
        const V poly = hn::MulAdd(n, hn::Sub(n, C(3)), C(3));
        m4 = hn::Add(
            m4, hn::MulAdd(hn::Mul(term, part2), poly,
                           hn::Sub(hn::Mul(hn::Mul(C(6), part2), m2), hn::Mul(hn::Mul(C(4), part), m3))));
      }
      if constexpr (kStates > 3) {
        const V lean = hn::Mul(hn::Mul(term, part), hn::Sub(n, C(2)));
        m3 = hn::Add(m3, hn::Sub(lean, hn::Mul(hn::Mul(C(3), part), m2)));
      }
      m2 = hn::Add(m2, term);
      mean = hn::Add(mean, part);
    }
    HWY_INLINE void MergeEarlier(const At& a) {
      const V na = a.n;
      const V nb = n;
      n = hn::Add(na, nb);
      const V delta = hn::Sub(mean, a.mean);
      const V part = hn::Mul(delta, PerCount(d, n));
      const V da = hn::Mul(na, part);
      const V db = hn::Mul(nb, part);
      const V term = hn::Mul(hn::Mul(delta, da), nb);
      if constexpr (kStates > 4) {
        const V poly = hn::Sub(hn::MulAdd(na, na, hn::Mul(nb, nb)), hn::Mul(na, nb));
        const V square = hn::Mul(hn::Mul(term, hn::Mul(part, part)), poly);
        const V cross2 = hn::MulAdd(hn::Mul(da, da), m2, hn::Mul(hn::Mul(db, db), a.m2));
        const V cross3 = hn::Sub(hn::Mul(da, m3), hn::Mul(db, a.m3));
        m4 = hn::Add(hn::Add(a.m4, m4), hn::MulAdd(C(6), cross2, hn::MulAdd(C(4), cross3, square)));
      }
      if constexpr (kStates > 3) {
        const V lean = hn::Mul(hn::Mul(term, part), hn::Sub(na, nb));
        const V cross = hn::Sub(hn::Mul(da, m2), hn::Mul(db, a.m2));
        m3 = hn::Add(hn::Add(a.m3, m3), hn::MulAdd(C(3), cross, lean));
      }
      m2 = hn::Add(hn::Add(a.m2, m2), term);
      mean = hn::IfThenElse(hn::Gt(na, nb), hn::Add(a.mean, db), hn::Sub(mean, da));
    }
    HWY_INLINE void Finish(const WindowRule& rule, const V*, int64_t, int64_t, const double*, int64_t,
                           V* out) const {
      if constexpr (kMoment == Moment::kVar || kMoment == Moment::kStd) {
        const V var = hn::Div(m2, hn::Max(hn::Sub(n, C(rule.ddof)), C(1)));
        out[0] = WhereEnough(d, rule, rule.ddof + 1, n, kMoment == Moment::kStd ? hn::Sqrt(var) : var);
      } else if constexpr (kMoment == Moment::kSkew) {
        const V n1 = hn::Sub(n, C(1));
        const V scale = hn::Div(hn::Mul(n, hn::Sqrt(hn::Max(n1, C(0)))), hn::Max(hn::Sub(n, C(2)), C(1)));
        const V spread = hn::Mul(m2, hn::Sqrt(m2));  // 0 when nothing moved: 0 / 0 is the NaN that is due
        out[0] = WhereEnough(d, rule, 3, n, hn::Mul(scale, hn::Div(m3, spread)));
      } else {
        const V n1 = hn::Sub(n, C(1));
        const V below = hn::Max(hn::Mul(hn::Sub(n, C(2)), hn::Sub(n, C(3))), C(1));
        const V peak = hn::Mul(hn::Mul(hn::Add(n, C(1)), n), hn::Div(m4, hn::Mul(m2, m2)));
        const V value = hn::Mul(hn::Div(n1, below), hn::Sub(peak, hn::Mul(C(3), n1)));
        out[0] = WhereEnough(d, rule, 4, n, value);
      }
    }
  };
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_MOMENTS_INL_H_
