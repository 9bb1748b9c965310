// Profit and loss of scenarios: a row of moves times the net exposures of its factors, and of each position.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/portfolio/scenario_pnl.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <new>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "core/portfolio_call.h"
#include "cpu/statistics/reduce-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Scenarios are handed out in bunches of about this many moves.
constexpr int64_t kBunch = 32 * 1024;

inline int64_t ScenarioGrain(int64_t width) {
  return std::max<int64_t>(1, kBunch / std::max<int64_t>(1, width));
}

template <typename T>
double RowPnl(const T* HWY_RESTRICT row, int64_t factors, const double* HWY_RESTRICT delta,
              const double* HWY_RESTRICT half_gamma) {
  return SumOver(factors, [&](auto d, int64_t at) HWY_ATTR {
    const auto move = LoadRow(d, row + at);
    const auto first = hn::LoadU(d, delta + at);
    const auto second = hn::LoadU(d, half_gamma + at);
    // NaN is not 0; Ne says otherwise on some targets.
    const auto nothing = hn::And(hn::Eq(first, hn::Zero(d)), hn::Eq(second, hn::Zero(d)));
    return hn::IfThenZeroElse(nothing, hn::Mul(move, hn::MulAdd(second, move, first)));
  });
}

template <typename T>
void PnlOf(const ScenarioPnlArgs& args, const double* delta, const double* half_gamma, Outcome& outcome) {
  const auto* moves = static_cast<const T*>(args.moves);
  ParallelRanges(args.scenarios, ScenarioGrain(args.factors), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    for (int64_t scenario = first; scenario < last; ++scenario) {
      const double sum = RowPnl(moves + scenario * args.factors, args.factors, delta, half_gamma);
      static_cast<T*>(args.pnl)[scenario] = KnownOrNaN<T>(sum);
    }
  });
}

template <typename T>
void ByPositionOf(const ScenarioPnlArgs& args, Outcome& outcome) {
  const auto* delta = static_cast<const T*>(args.delta);
  const auto* gamma = static_cast<const T*>(args.gamma);
  ParallelRanges(args.scenarios, ScenarioGrain(args.positions), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    for (int64_t scenario = first; scenario < last; ++scenario) {
      const T* row = static_cast<const T*>(args.moves) + scenario * args.factors;
      T* to = static_cast<T*>(args.by_position) + scenario * args.positions;
      for (int64_t i = 0; i < args.positions; ++i) {
        const double move = row[FactorOf(args, i)];
        const double slope = delta[i];
        const double half = gamma == nullptr ? 0 : 0.5 * static_cast<double>(gamma[i]);
        to[i] = slope == 0 && half == 0 ? T{0} : KnownOrNaN<T>(move * (slope + half * move));
      }
    }
  });
}

void PnlAny(const ScenarioPnlArgs& args, const double* delta, const double* half_gamma, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? PnlOf<double>(args, delta, half_gamma, outcome)
                            : PnlOf<float>(args, delta, half_gamma, outcome);
}

void ByPositionAny(const ScenarioPnlArgs& args, Outcome& outcome) {
  args.dtype == Dtype::kF64 ? ByPositionOf<double>(args, outcome) : ByPositionOf<float>(args, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(PnlAny);
HWY_EXPORT(ByPositionAny);

namespace {

template <typename T>
void AddUp(const ScenarioPnlArgs& args, double* delta, double* half_gamma) {
  for (int64_t i = 0; i < args.positions; ++i) {
    const int64_t factor = FactorOf(args, i);
    delta[factor] += static_cast<const T*>(args.delta)[i];
    if (args.gamma != nullptr) half_gamma[factor] += 0.5 * static_cast<const T*>(args.gamma)[i];
  }
}

}  // namespace

Status CheckFactors(ScenarioPnlArgs& args) {
  // An empty array has no address.
  if (args.positions == 0) return Status::kOk;
  if (args.factor_of == nullptr) {
    args.detail = args.factors;
    return args.factors == args.positions ? Status::kOk : Status::kShape;
  }
  for (int64_t i = 0; i < args.positions; ++i) {
    if (args.factor_of[i] >= 0 && args.factor_of[i] < args.factors) continue;
    args.detail = i;
    return Status::kInvalidOption;
  }
  return Status::kOk;
}

void NetExposures(const ScenarioPnlArgs& args, double* delta, double* half_gamma) {
  std::fill_n(delta, args.factors, 0.0);
  std::fill_n(half_gamma, args.factors, 0.0);
  args.dtype == Dtype::kF64 ? AddUp<double>(args, delta, half_gamma) : AddUp<float>(args, delta, half_gamma);
}

Status ScenarioPnl(ScenarioPnlArgs& args) {
  const Status refused = CheckFactors(args);
  if (refused != Status::kOk || args.scenarios == 0) return refused;
  const Scratch<double> exposures(2 * args.factors);
  if (!exposures) throw std::bad_alloc();
  NetExposures(args, exposures.get(), exposures.get() + args.factors);
  Outcome outcome;
  HWY_DYNAMIC_DISPATCH(PnlAny)(args, exposures.get(), exposures.get() + args.factors, outcome);
  if (args.by_position != nullptr) HWY_DYNAMIC_DISPATCH(ByPositionAny)(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
