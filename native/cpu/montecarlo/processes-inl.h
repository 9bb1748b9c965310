// One step of each process and what is watched along a path, for any number of lanes; lanes = paths. Include
// inside foreach_target.
#if defined(NAUTILUS_CPU_MONTECARLO_PROCESSES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_MONTECARLO_PROCESSES_INL_H_
#undef NAUTILUS_CPU_MONTECARLO_PROCESSES_INL_H_
#else
#define NAUTILUS_CPU_MONTECARLO_PROCESSES_INL_H_
#endif

#include <cmath>

#include "cpu/montecarlo/paths.h"
#include "cpu/random/inverse-inl.h"
#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// All: `x` is log(level / base) after the last step, `z` the normals of the step.

// Geometric Brownian motion: exact in distribution whatever the step. Black, Scholes 1973.
template <class D>
struct GbmProcess {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  static constexpr int64_t kFactors = 1;
  static constexpr bool kContinuous = true;
  V x, drift, deviation;

  HWY_INLINE GbmProcess(D d, const PathModel& model)
      : x(hn::Set(d, static_cast<T>(model.start))),
        drift(hn::Set(d, static_cast<T>(model.drift))),
        deviation(hn::Set(d, static_cast<T>(model.deviation))) {}

  HWY_INLINE void Step(D, int64_t, const V* z) { x = hn::MulAdd(deviation, z[0], hn::Add(x, drift)); }
  // Variance of the log within the last step.
  HWY_INLINE V StepVariance() const { return hn::Mul(deviation, deviation); }
};

// Merton 1976, Option pricing when underlying stock returns are discontinuous. The third normal decides how
// many jumps a step has, by inversion; the second one is the sum of their deviations.
template <class D>
struct MertonProcess {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  static constexpr int64_t kFactors = 3;
  static constexpr bool kContinuous = false;
  V x, drift, deviation, jump_mean, jump_deviation;
  const PathModel& model;

  HWY_INLINE MertonProcess(D d, const PathModel& of)
      : x(hn::Set(d, static_cast<T>(of.start))),
        drift(hn::Set(d, static_cast<T>(of.drift))),
        deviation(hn::Set(d, static_cast<T>(of.deviation))),
        jump_mean(hn::Set(d, static_cast<T>(of.jump_mean))),
        jump_deviation(hn::Set(d, static_cast<T>(of.jump_deviation))),
        model(of) {}

  HWY_INLINE void Step(D d, int64_t, const V* z) {
    x = hn::MulAdd(deviation, z[0], hn::Add(x, drift));
    V jumps = hn::Zero(d);
    for (const double threshold : model.jump_thresholds) {
      const auto more = hn::Gt(z[2], hn::Set(d, static_cast<T>(threshold)));
      if (hn::AllFalse(d, more)) break;
      jumps = hn::Add(jumps, hn::IfThenElseZero(more, hn::Set(d, T{1})));
    }
    const V spread = hn::Mul(hn::Sqrt(jumps), jump_deviation);
    x = hn::MulAdd(spread, z[1], hn::MulAdd(jumps, jump_mean, x));
  }
};

// Heston 1993 by the quadratic-exponential scheme of Andersen 2008 (Simple and efficient simulation of the
// Heston model, 3.2.4 and 4.3.2: central weights, martingale correction, change at psi = 1.5).
template <class D>
struct HestonProcess {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  static constexpr int64_t kFactors = 2;
  static constexpr bool kContinuous = false;
  V x, variance;
  V decay, mean_part, spread_variance, spread_mean;
  V k0_mean, k1, k2, k3, a, drift, plain;

  HWY_INLINE HestonProcess(D d, const PathModel& m) : x(hn::Set(d, static_cast<T>(m.start))) {
    const HestonConstants of = HestonOf(m);
    const auto set = [d](double value) HWY_ATTR { return hn::Set(d, static_cast<T>(value)); };
    variance = set(m.start_variance);
    decay = set(of.decay);
    mean_part = set(of.mean_part);
    spread_variance = set(of.spread_variance);
    spread_mean = set(of.spread_mean);
    k0_mean = set(of.k0_mean);
    k1 = set(of.k1);
    k2 = set(of.k2);
    k3 = set(of.k3);
    a = set(of.a);
    drift = set(m.drift);
    plain = set(of.plain);
  }

  HWY_INLINE void Step(D d, int64_t, const V* z) {
    const V one = hn::Set(d, T{1});
    const V zero = hn::Zero(d);
    const V tiny = hn::Set(d, sizeof(T) == 4 ? T(1e-20) : T(1e-200));
    const V m = hn::Max(hn::MulAdd(decay, variance, mean_part), tiny);
    const V s2 = hn::MulAdd(spread_variance, variance, spread_mean);
    const V psi = hn::Max(hn::Div(s2, hn::Mul(m, m)), hn::Set(d, T(1e-12)));
    // Quadratic: a square of a normal. psi is capped so that the branch that is not taken stays finite.
    const V two_by_psi = hn::Div(hn::Set(d, T{2}), hn::Min(psi, hn::Set(d, T{2})));
    const V root = hn::Sqrt(hn::Mul(two_by_psi, hn::Max(hn::Sub(two_by_psi, one), zero)));
    const V b2 = hn::Max(hn::Add(hn::Sub(two_by_psi, one), root), zero);
    const V scale = hn::Div(m, hn::Add(one, b2));
    const V shifted = hn::Add(hn::Sqrt(b2), z[1]);
    const V quadratic = hn::Mul(scale, hn::Mul(shifted, shifted));
    // log E exp(a v) of it; it exists while 2 a scale < 1.
    const V spare = hn::NegMulAdd(hn::Add(a, a), scale, one);
    const V safe = hn::Max(spare, hn::Set(d, T(1e-3)));
    const V quadratic_log =
        hn::Sub(hn::Div(hn::Mul(hn::Mul(a, b2), scale), safe), hn::Mul(hn::Set(d, T(0.5)), hn::Log(d, safe)));
    const auto is_quadratic = hn::Le(psi, hn::Set(d, T(1.5)));
    V next = quadratic;
    V log_mean = quadratic_log;
    auto exists = hn::Eq(safe, spare);
    if (!hn::AllTrue(d, is_quadratic)) {
      // Exponential with an atom at 0.
      const V psi_plus = hn::Add(hn::Max(psi, one), one);
      const V p = hn::Div(hn::Sub(hn::Max(psi, one), one), psi_plus);
      const V beta = hn::Div(hn::Set(d, T{2}), hn::Mul(m, psi_plus));
      const V upper = NormalUpperTail(d, z[1]);
      const V below = hn::Sub(one, p);
      const V drawn = hn::Div(hn::Log(d, hn::Div(below, hn::Max(upper, hn::Set(d, T(1e-37))))), beta);
      const V exponential = hn::IfThenElse(hn::Lt(upper, below), drawn, zero);
      const V gap = hn::Sub(beta, a);
      const V safe_gap = hn::Max(gap, hn::Mul(beta, hn::Set(d, T(1e-3))));
      const V exponential_log = hn::Log(d, hn::Add(p, hn::Div(hn::Mul(beta, below), safe_gap)));
      next = hn::IfThenElse(is_quadratic, next, exponential);
      log_mean = hn::IfThenElse(is_quadratic, log_mean, exponential_log);
      exists = hn::Or(hn::And(is_quadratic, exists), hn::AndNot(is_quadratic, hn::Eq(safe_gap, gap)));
    }
    const V corrected = hn::Neg(hn::MulAdd(plain, variance, log_mean));
    const V k0 = hn::IfThenElse(exists, corrected, k0_mean);
    const V both = hn::Max(hn::Add(variance, next), zero);
    const V spread = hn::Sqrt(hn::Mul(k3, both));
    x = hn::Add(hn::Add(x, drift),
                hn::MulAdd(k1, variance, hn::MulAdd(k2, next, hn::MulAdd(spread, z[0], k0))));
    variance = next;
  }
};

// Dupire 1994, Pricing with a smile, by Euler steps of the log; the volatility is that of the grid where a
// step begins.
template <class D>
struct LocalVolProcess {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  static constexpr int64_t kFactors = 1;
  static constexpr bool kContinuous = true;
  const PathModel& model;
  V x, drift, root_years, half_years, low, columns_per_log, last, step_variance, shift;

  HWY_INLINE LocalVolProcess(D d, const PathModel& of)
      : model(of),
        x(hn::Set(d, static_cast<T>(of.start))),
        drift(hn::Set(d, static_cast<T>(of.drift))),
        root_years(hn::Set(d, static_cast<T>(std::sqrt(of.step_years)))),
        half_years(hn::Set(d, static_cast<T>(-0.5 * of.step_years))),
        low(hn::Set(d, static_cast<T>(of.grid_low))),
        columns_per_log(hn::Set(d, static_cast<T>(of.grid_columns_per_log))),
        last(hn::Set(d, static_cast<T>(of.grid_columns - 1))),
        step_variance(hn::Zero(d)),
        shift(hn::Set(d, static_cast<T>(of.grid_shift))) {}

  HWY_INLINE void Step(D d, int64_t step, const V* z) {
    const hn::RebindToSigned<D> di;
    const T* row = static_cast<const T*>(model.grid) + step * model.grid_columns;
    const V at = hn::Min(hn::Max(hn::Mul(hn::Sub(x, low), columns_per_log), hn::Zero(d)), last);
    // The last column has no right neighbour: its cell is the one before it, at its end.
    const V cell = hn::Min(hn::Floor(at), hn::Sub(last, hn::Set(d, T{1})));
    const auto index = hn::ConvertTo(di, cell);
    const V left = hn::GatherIndex(d, row, index);
    const V right = hn::GatherIndex(d, row + 1, index);
    const V volatility = hn::Add(hn::MulAdd(hn::Sub(right, left), hn::Sub(at, cell), left), shift);
    const V square = hn::Mul(volatility, volatility);
    step_variance = hn::Mul(hn::Mul(square, root_years), root_years);
    x = hn::MulAdd(hn::Mul(volatility, root_years), z[0], hn::MulAdd(square, half_years, hn::Add(x, drift)));
  }
  HWY_INLINE V StepVariance() const { return step_variance; }
};

// What is watched: `See` after each step.

template <class D>
struct WatchEnd {
  using V = hn::Vec<D>;
  HWY_INLINE WatchEnd(D, const PathModel&, int64_t, PathEnds<hn::TFromD<D>>&) {}
  template <class P>
  HWY_INLINE void See(D, V, const P&) {}
  HWY_INLINE void Save(D, const PathModel&, int64_t, PathEnds<hn::TFromD<D>>&) const {}
};

template <class D>
struct WatchMeans {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  V levels, logs;
  HWY_INLINE WatchMeans(D d, const PathModel&, int64_t, PathEnds<T>&)
      : levels(hn::Zero(d)), logs(hn::Zero(d)) {}
  template <class P>
  HWY_INLINE void See(D d, V, const P& process) {
    levels = hn::Add(levels, hn::Exp(d, process.x));
    logs = hn::Add(logs, process.x);
  }
  HWY_INLINE void Save(D d, const PathModel& model, int64_t at, PathEnds<T>& ends) const {
    const V by_steps = hn::Set(d, static_cast<T>(1.0 / static_cast<double>(model.steps)));
    const V base = hn::Set(d, static_cast<T>(model.base));
    hn::StoreU(hn::Mul(hn::Mul(levels, by_steps), base), d, ends.mean + at);
    hn::StoreU(hn::Mul(hn::Exp(d, hn::Mul(logs, by_steps)), base), d, ends.geometric_mean + at);
  }
};

template <class D>
struct WatchExtremes {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  V high, low;
  HWY_INLINE WatchExtremes(D d, const PathModel& model, int64_t, PathEnds<T>&)
      : high(hn::Set(d, static_cast<T>(model.start))), low(high) {}
  template <class P>
  HWY_INLINE void See(D, V, const P& process) {
    high = hn::Max(high, process.x);
    low = hn::Min(low, process.x);
  }
  HWY_INLINE void Save(D d, const PathModel& model, int64_t at, PathEnds<T>& ends) const {
    const V base = hn::Set(d, static_cast<T>(model.base));
    hn::StoreU(hn::Mul(hn::Exp(d, high), base), d, ends.high + at);
    hn::StoreU(hn::Mul(hn::Exp(d, low), base), d, ends.low + at);
  }
};

template <class D>
struct WatchAll {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  V base;
  T* to;
  HWY_INLINE WatchAll(D d, const PathModel& model, int64_t lane, PathEnds<T>& ends)
      : base(hn::Set(d, static_cast<T>(model.base))), to(ends.all + lane) {}
  template <class P>
  HWY_INLINE void See(D d, V, const P& process) {
    hn::StoreU(hn::Mul(hn::Exp(d, process.x), base), d, to);
    to += kTilePaths;
  }
  HWY_INLINE void Save(D, const PathModel&, int64_t, PathEnds<T>&) const {}
};

// The probability that a Brownian bridge between the steps stays on its side of the barrier; Glasserman
// 2003, 6.4.
template <class D>
struct WatchCrossing {
  using V = hn::Vec<D>;
  using T = hn::TFromD<D>;
  V survival, barrier;
  HWY_INLINE WatchCrossing(D d, const PathModel& model, int64_t, PathEnds<T>&)
      : survival(hn::Set(d, T{1})), barrier(hn::Set(d, static_cast<T>(model.barrier))) {}
  template <class P>
  HWY_INLINE void See(D d, V before, const P& process) {
    const V product = hn::Mul(hn::Sub(barrier, before), hn::Sub(barrier, process.x));
    const V tiny = hn::Set(d, sizeof(T) == 4 ? T(1e-30) : T(1e-300));
    const V exponent = hn::Div(hn::Mul(hn::Set(d, T{-2}), product), hn::Max(process.StepVariance(), tiny));
    const V stays = hn::Sub(hn::Set(d, T{1}), hn::Exp(d, hn::Max(exponent, hn::Set(d, T{-80}))));
    survival = hn::IfThenElseZero(hn::Gt(product, hn::Zero(d)), hn::Mul(survival, stays));
  }
  HWY_INLINE void Save(D d, const PathModel&, int64_t at, PathEnds<T>& ends) const {
    hn::StoreU(survival, d, ends.survival + at);
  }
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_MONTECARLO_PROCESSES_INL_H_
