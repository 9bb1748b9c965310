// What the tests of the attributions share: periods of portfolios, and runs of a call.
#ifndef NAUTILUS_TEST_ATTRIBUTION_TESTING_H_
#define NAUTILUS_TEST_ATTRIBUTION_TESTING_H_

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/generated/portfolio_args.h"
#include "core/status.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus::test {

// Weights of about one over the groups, some of them 0, and returns of percents.
template <typename T>
struct Periods {
  Periods(int64_t periods, int64_t columns, uint32_t seed)
      : own_weights(Normal<T>(periods * columns, seed)),
        base_weights(Normal<T>(periods * columns, seed + 1)),
        own_returns(Normal<T>(periods * columns, seed + 2)),
        base_returns(Normal<T>(periods * columns, seed + 3)),
        returns(Normal<T>(periods, seed + 4)) {
    for (int64_t i = 0; i < periods * columns; ++i) {
      own_weights[i] = i % 5 == 2 ? T(0) : static_cast<T>(std::abs(double(own_weights[i])) / double(columns));
      base_weights[i] =
          i % 7 == 2 ? T(0) : static_cast<T>(std::abs(double(base_weights[i])) / double(columns));
      own_returns[i] *= T(0.02);
      base_returns[i] *= T(0.02);
    }
    for (T& one : returns) one *= T(0.02);
    brinson.dtype = factors.dtype = Kind<T>();
    brinson.periods = factors.periods = periods;
    brinson.groups = factors.factors = columns;
    brinson.portfolio_weights = own_weights.data(), brinson.benchmark_weights = base_weights.data();
    brinson.portfolio_returns = own_returns.data(), brinson.benchmark_returns = base_returns.data();
    factors.exposures = own_weights.data(), factors.factor_returns = own_returns.data();
    factors.returns = returns.data();
  }

  BrinsonAttributionArgs brinson{};
  FactorAttributionArgs factors{};
  std::vector<T> own_weights, base_weights, own_returns, base_returns, returns;
};

// All that a call wrote, one array after the other; empty when it fails or writes where it may not.
template <typename T, class Kernel>
std::vector<T> EffectsOf(const Kernel& kernel, BrinsonAttributionArgs args, int64_t shift) {
  const int64_t all = args.periods * args.groups;
  Fenced<T> allocation(all, shift), selection(all, shift), interaction(all, shift),
      active(args.periods, shift);
  args.allocation = allocation.data(), args.selection = selection.data();
  args.interaction = interaction.data(), args.active = active.data();
  if (kernel(args) != Status::kOk) return {};
  if (!allocation.Whole() || !selection.Whole() || !interaction.Whole() || !active.Whole()) return {};
  std::vector<T> found(active.data(), active.data() + args.periods);
  for (Fenced<T>* const array : {&allocation, &selection, &interaction})
    found.insert(found.end(), array->data(), array->data() + all);
  return found;
}

template <typename T, class Kernel>
std::vector<T> EffectsOf(const Kernel& kernel, FactorAttributionArgs args, int64_t shift) {
  const int64_t all = args.periods * args.factors;
  Fenced<T> contributions(all, shift), specific(args.periods, shift);
  args.contributions = contributions.data(), args.specific = specific.data();
  if (kernel(args) != Status::kOk || !contributions.Whole() || !specific.Whole()) return {};
  std::vector<T> found(specific.data(), specific.data() + args.periods);
  found.insert(found.end(), contributions.data(), contributions.data() + all);
  return found;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_ATTRIBUTION_TESTING_H_
