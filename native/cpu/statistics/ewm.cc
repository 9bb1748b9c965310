// Exponentially weighted mean, variance, standard deviation, covariance and correlation, for every SIMD
// target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/ewm.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/panel-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

enum class Weighted { kMean, kVar, kStd, kCovariance, kCorrelation };

struct EwmRule {
  double keep;   // what is left of each weight a bar later: 1 - alpha
  double fresh;  // weight of a new value
  double need;   // values before the first answer
  bool adjust, ignore_na, bias;
};

// The state of one vector of series: count, sum of weights, sum of products of two different weights (what is
// left of the squared sum less the sum of squares, which would cancel after a gap), means, weighted second
// moments. The weights do not depend on the values, so the only chain from bar to bar is a subtraction and a
// fused multiply-add.
template <class D, Weighted kWhat>
struct Ewm {
  using V = hn::Vec<D>;
  static constexpr bool kPairs = kWhat == Weighted::kCovariance || kWhat == Weighted::kCorrelation;
  static constexpr bool kSecond = kWhat != Weighted::kMean;
  static constexpr bool kUnbiases = kSecond && kWhat != Weighted::kCorrelation;
  static constexpr int kStates = 8;
  D d;
  V n, w, cross, mean_x, mean_y, xx, yy, xy;

  HWY_INLINE Ewm(D tag, const double* from, int64_t step)
      : d(tag),
        n(hn::LoadU(tag, from)),
        w(hn::LoadU(tag, from + step)),
        cross(hn::LoadU(tag, from + 2 * step)),
        mean_x(hn::LoadU(tag, from + 3 * step)),
        mean_y(hn::LoadU(tag, from + 4 * step)),
        xx(hn::LoadU(tag, from + 5 * step)),
        yy(hn::LoadU(tag, from + 6 * step)),
        xy(hn::LoadU(tag, from + 7 * step)) {}

  HWY_INLINE void Save(double* to, int64_t step) const {
    const V states[kStates] = {n, w, cross, mean_x, mean_y, xx, yy, xy};
    for (int i = 0; i < kStates; ++i) hn::StoreU(states[i], d, to + i * step);
  }

  HWY_INLINE V C(double value) const { return hn::Set(d, value); }

  HWY_INLINE V Step(const EwmRule& rule, V x, V y) {
    const auto valid = kPairs ? hn::IsFinite(hn::Add(hn::Sub(x, x), hn::Sub(y, y))) : hn::IsFinite(x);
    // Without an observation weights fade too, unless missing bars do not count.
    const V less = hn::Mul(w, C(rule.keep));
    const V before = rule.ignore_na ? hn::IfThenElse(valid, less, w) : less;
    V fresh = C(rule.fresh);
    if (!rule.adjust) fresh = hn::IfThenElse(hn::Eq(n, hn::Zero(d)), C(1), fresh);
    fresh = hn::IfThenElseZero(valid, fresh);
    const V total = hn::Add(before, fresh);
    const V per = hn::Div(C(1), hn::IfThenElse(valid, total, C(1)));
    const V share = hn::Mul(fresh, per);  // 0 where nothing came, which changes nothing below
    const V dx = hn::IfThenElseZero(valid, hn::Sub(x, mean_x));
    const V dy = kPairs ? hn::IfThenElseZero(valid, hn::Sub(y, mean_y)) : dx;
    if constexpr (kSecond) {
      const V rest = hn::IfThenElse(valid, hn::Mul(before, per), C(1));
      const V across = hn::Mul(rest, share);
      const auto grow = [&](V moment, V one, V other) HWY_ATTR {
        return hn::MulAdd(rest, moment, hn::Mul(across, hn::Mul(one, other)));
      };
      if constexpr (kPairs) xy = grow(xy, dx, dy);
      if constexpr (!kPairs || kWhat == Weighted::kCorrelation) xx = grow(xx, dx, dx);
      if constexpr (kWhat == Weighted::kCorrelation) yy = grow(yy, dy, dy);
    }
    if constexpr (kUnbiases) {
      const V faded = hn::Mul(cross, C(rule.keep * rule.keep));
      const V twice = hn::Add(before, before);
      cross = hn::MulAdd(twice, fresh, rule.ignore_na ? hn::IfThenElse(valid, faded, cross) : faded);
      if (!rule.adjust) cross = hn::IfThenElse(valid, hn::Mul(cross, hn::Mul(per, per)), cross);
    }
    mean_x = hn::MulAdd(dx, share, mean_x);
    if constexpr (kPairs) mean_y = hn::MulAdd(dy, share, mean_y);
    w = rule.adjust ? total : hn::IfThenElse(valid, C(1), total);
    n = hn::Add(n, hn::IfThenElseZero(valid, C(1)));
    return Answer(rule);
  }

  HWY_INLINE V Answer(const EwmRule& rule) const {
    const V nan = C(std::numeric_limits<double>::quiet_NaN());
    V value = mean_x;
    double need = std::max(rule.need, 1.0);
    if constexpr (kWhat == Weighted::kCorrelation) {
      value = Within(d, -1, 1, hn::Div(xy, hn::Mul(hn::Sqrt(xx), hn::Sqrt(yy))));
    } else if constexpr (kSecond) {
      value = kPairs ? xy : xx;
      if (!rule.bias) {
        value = hn::Mul(value, hn::Div(hn::Mul(w, w), cross));
        value = hn::IfThenElse(hn::Gt(cross, hn::Zero(d)), value, nan);
        need = std::max(need, 2.0);
      }
      if constexpr (kWhat == Weighted::kStd) value = hn::Sqrt(value);
    }
    return hn::IfThenElse(hn::Ge(n, C(need)), value, nan);
  }
};

// Neighbouring series go through a stretch of bars one vector after the other, state in registers: long
// enough to forget the loads and stores of states, short enough for the rows to stay in the first-level
// cache.
template <Weighted kWhat, typename T>
void Fade(int64_t bars, int64_t series, const EwmRule& rule, const T* x, const T* y, T* out,
          CancelFlag cancel, Outcome& outcome) {
  constexpr int64_t kTile = 64;
  constexpr int64_t kStretch = 32;
  ParallelRanges(series, kTile, [&](int64_t first, int64_t last) {
    HWY_ALIGN double states[8 * kTile] = {};
    for (int64_t begin = 0; begin < bars; begin += kStretch) {
      if (begin % (kStretch * 1024) == 0 && IsCancelled(cancel)) return outcome.Cancelled();
      const int64_t end = std::min(begin + kStretch, bars);
      ForLanes<kDoubles>(0, last - first, [&](auto d, int64_t at) HWY_ATTR {
        Ewm<decltype(d), kWhat> state(d, states + at, kTile);
        for (int64_t bar = begin; bar < end; ++bar) {
          const int64_t element = bar * series + first + at;
          const auto one = LoadRow(d, x + element);
          const auto other = state.kPairs ? LoadRow(d, y + element) : one;
          StoreRow(d, state.Step(rule, one, other), out + element);
        }
        state.Save(states + at, kTile);
      });
    }
  });
}

template <class Args>
EwmRule RuleOf(const Args& args, bool bias) {
  return {1 - args.alpha,
          args.adjust ? 1.0 : args.alpha,
          static_cast<double>(args.min_periods),
          args.adjust,
          args.ignore_na,
          bias};
}

template <Weighted kWhat, class Args>
void FadeOne(const Args& args, bool bias, Outcome& outcome) {
  const EwmRule rule = RuleOf(args, bias);
  if (args.dtype == Dtype::kF64) {
    Fade<kWhat>(args.bars, args.series, rule, static_cast<const double*>(args.values),
                static_cast<const double*>(nullptr), static_cast<double*>(args.out), args.cancel, outcome);
  } else {
    Fade<kWhat>(args.bars, args.series, rule, static_cast<const float*>(args.values),
                static_cast<const float*>(nullptr), static_cast<float*>(args.out), args.cancel, outcome);
  }
}

template <Weighted kWhat, class Args>
void FadePairs(const Args& args, bool bias, Outcome& outcome) {
  const EwmRule rule = RuleOf(args, bias);
  if (args.dtype == Dtype::kF64) {
    Fade<kWhat>(args.bars, args.series, rule, static_cast<const double*>(args.x),
                static_cast<const double*>(args.y), static_cast<double*>(args.out), args.cancel, outcome);
  } else {
    Fade<kWhat>(args.bars, args.series, rule, static_cast<const float*>(args.x),
                static_cast<const float*>(args.y), static_cast<float*>(args.out), args.cancel, outcome);
  }
}

void EwmMeanAny(const EwmMeanArgs& args, Outcome& outcome) { FadeOne<Weighted::kMean>(args, false, outcome); }
void EwmVarAny(const EwmVarArgs& args, Outcome& outcome) {
  FadeOne<Weighted::kVar>(args, args.bias, outcome);
}
void EwmStdAny(const EwmStdArgs& args, Outcome& outcome) {
  FadeOne<Weighted::kStd>(args, args.bias, outcome);
}
void EwmCovarianceAny(const EwmCovarianceArgs& args, Outcome& outcome) {
  FadePairs<Weighted::kCovariance>(args, args.bias, outcome);
}
void EwmCorrelationAny(const EwmCorrelationArgs& args, Outcome& outcome) {
  FadePairs<Weighted::kCorrelation>(args, true, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

#define NAUTILUS_EWM(Name)                          \
  HWY_EXPORT(Name##Any);                            \
  Status Name(Name##Args& args) {                   \
    Outcome outcome;                                \
    HWY_DYNAMIC_DISPATCH(Name##Any)(args, outcome); \
    return outcome.Take();                          \
  }
NAUTILUS_EWM(EwmMean)
NAUTILUS_EWM(EwmVar)
NAUTILUS_EWM(EwmStd)
NAUTILUS_EWM(EwmCovariance)
NAUTILUS_EWM(EwmCorrelation)
#undef NAUTILUS_EWM

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
