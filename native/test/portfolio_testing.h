// What the tests of the profit and loss of scenarios share: books, and the difference of two answers.
#ifndef NAUTILUS_TEST_PORTFOLIO_TESTING_H_
#define NAUTILUS_TEST_PORTFOLIO_TESTING_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/generated/portfolio_args.h"
#include "core/status.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus::test {

struct BookShape {
  int64_t scenarios, positions, factors;
  bool has_gamma;
  bool has_factors;  // whether positions name theirs; else there are as many
};

// Positions and scenarios. A hedged book has each position once more with the other sign, up to a millionth.
template <typename T>
struct Book {
  Book(const BookShape& shape, uint32_t seed, bool hedged) {
    args.dtype = Kind<T>();
    args.scenarios = shape.scenarios, args.positions = shape.positions, args.factors = shape.factors;
    moves = Normal<T>(shape.scenarios * shape.factors, seed);
    for (T& move : moves) move *= T(0.02);
    delta = Normal<T>(shape.positions, seed + 1);
    gamma = Normal<T>(shape.positions, seed + 2);
    for (int64_t i = 0; i < shape.positions; ++i) {
      delta[i] *= T(3e6);
      gamma[i] *= T(5e7);
      factor_of.push_back(static_cast<int32_t>((i * 7 + 3) % std::max<int64_t>(1, shape.factors)));
      if (hedged && i % 2 == 1) {
        delta[i] = -delta[i - 1] * T(1 + 1e-6);
        gamma[i] = -gamma[i - 1];
        factor_of[i] = factor_of[i - 1];
      }
    }
    args.moves = moves.data(), args.delta = delta.data();
    args.gamma = shape.has_gamma ? gamma.data() : nullptr;
    args.factor_of = shape.has_factors ? factor_of.data() : nullptr;
  }

  ScenarioPnlArgs args{};
  std::vector<T> moves, delta, gamma;
  std::vector<int32_t> factor_of;
};

// The sums, and what each position adds to them.
template <typename T>
struct Profits {
  std::vector<T> pnl, by_position;
};

// Runs a call over fenced memory; empty when it fails or writes where it may not.
template <typename T, class Kernel>
Profits<T> ProfitsOf(const Kernel& kernel, ScenarioPnlArgs args, int64_t shift) {
  Fenced<T> pnl(args.scenarios, shift);
  Fenced<T> by_position(args.scenarios * args.positions, shift);
  args.pnl = pnl.data();
  args.by_position = by_position.data();
  if (kernel(args) != Status::kOk || !pnl.Whole() || !by_position.Whole()) return {};
  return {{pnl.data(), pnl.data() + args.scenarios},
          {by_position.data(), by_position.data() + args.scenarios * args.positions}};
}

// The largest difference of sums relative to `floor` times what their terms add up to in size, or to the sum
// itself where that is more, and of terms relative to themselves.
template <typename T>
double Apart(const Profits<T>& found, const Profits<T>& expected, double floor) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  if (found.pnl.size() != expected.pnl.size()) return kInfinite;
  double worst = Worst(found.by_position, expected.by_position,
                       static_cast<int64_t>(expected.by_position.size()), 1e-30);
  const size_t positions = expected.by_position.size() / std::max<size_t>(1, expected.pnl.size());
  for (size_t s = 0; s < expected.pnl.size(); ++s) {
    double scale = 1e-30;
    for (size_t p = 0; p < positions; ++p)
      scale += std::abs(static_cast<double>(expected.by_position[s * positions + p]));
    const double value = expected.pnl[s];
    if (std::isnan(value) || std::isnan(found.pnl[s])) {
      if (std::isnan(value) != std::isnan(found.pnl[s])) return kInfinite;
      continue;
    }
    const double far = std::abs(static_cast<double>(found.pnl[s]) - value);
    worst = std::max(worst, far / std::max(floor * scale, std::abs(value)));
  }
  return worst;
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_PORTFOLIO_TESTING_H_
