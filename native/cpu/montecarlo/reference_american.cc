// The American option as Longstaff and Schwartz write it (2001, A simple least-squares approach), for tests:
// one path after the other, the regression by elimination.
#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/montecarlo/reference.h"
#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu::reference {
namespace {

// The value of holding on at one date, a polynomial in the standardised spot; empty where nobody exercises.
struct Rule {
  std::vector<long double> coefficients;
  long double mean = 0;
  long double deviation = 1;

  double At(double spot) const {
    long double sum = 0;
    long double power = 1;
    for (const long double coefficient : coefficients) {
      sum += coefficient * power;
      power *= (spot - mean) / deviation;
    }
    return static_cast<double>(sum);
  }
};

// Solves the square system of `n` rows, each followed by its right side, by elimination with pivots.
std::vector<long double> Eliminate(size_t n, std::vector<std::vector<long double>> rows) {
  for (size_t i = 0; i < n; ++i) {
    const auto pivot = std::max_element(rows.begin() + static_cast<long>(i), rows.end(),
                                        [i](auto& a, auto& b) { return std::abs(a[i]) < std::abs(b[i]); });
    std::swap(rows[i], *pivot);
    for (size_t k = i + 1; k < n; ++k) {
      const long double times = rows[k][i] / rows[i][i];
      for (size_t j = i; j <= n; ++j) rows[k][j] -= times * rows[i][j];
    }
  }
  std::vector<long double> solution(n);
  for (size_t i = n; i-- > 0;) {
    solution[i] = rows[i][n];
    for (size_t j = i + 1; j < n; ++j) solution[i] -= rows[i][j] * solution[j];
    solution[i] /= rows[i][i];
  }
  return solution;
}

// Least squares of `cash` on powers of the spots.
Rule Regress(const std::vector<double>& spots, const std::vector<double>& cash, size_t degree) {
  Rule rule;
  // Too few say nothing.
  if (spots.size() < 36) return rule;
  const auto count = static_cast<long double>(spots.size());
  long double squares = 0;
  for (const double spot : spots) rule.mean += spot / count;
  for (const double spot : spots) squares += (spot - rule.mean) * (spot - rule.mean) / count;
  rule.deviation = std::sqrt(squares);
  std::vector<std::vector<long double>> normal(degree + 1, std::vector<long double>(degree + 2));
  for (size_t k = 0; k < spots.size(); ++k) {
    const long double x = (spots[k] - rule.mean) / rule.deviation;
    for (size_t i = 0; i <= degree; ++i) {
      for (size_t j = 0; j <= degree; ++j) normal[i][j] += std::pow(x, static_cast<long double>(i + j));
      normal[i][degree + 1] += std::pow(x, static_cast<long double>(i)) * cash[k];
    }
  }
  rule.coefficients = Eliminate(degree + 1, std::move(normal));
  return rule;
}

McOptionArgs MarketOf(const McAmericanArgs& a) {
  McOptionArgs market;
  market.dtype = a.dtype;
  market.process = static_cast<McOptionArgs::Process>(a.process);
  market.generator = static_cast<McOptionArgs::Generator>(a.generator);
  market.steps = a.steps;
  market.seed = a.seed;
  market.spot = a.spot;
  market.rate = a.rate;
  market.dividend = a.dividend;
  market.volatility = a.volatility;
  market.maturity = a.maturity;
  market.jump_rate = a.jump_rate;
  market.jump_mean = a.jump_mean;
  market.jump_volatility = a.jump_volatility;
  market.mean_reversion = a.mean_reversion;
  market.long_variance = a.long_variance;
  market.variance_volatility = a.variance_volatility;
  market.correlation = a.correlation;
  return market;
}

}  // namespace

void McAmerican(McAmericanArgs& args) {
  const McOptionArgs market = MarketOf(args);
  const double sign = args.side == McAmericanArgs::Side::kCall ? 1 : -1;
  const auto now = [&](double spot) { return std::max(sign * (spot - args.strike), 0.0); };
  const double discount = std::exp(-args.rate * args.maturity / static_cast<double>(args.steps));
  const auto steps = static_cast<size_t>(args.steps);

  // The rule is learnt on paths of its own, whole tiles of them.
  std::vector<std::vector<double>> pilots;
  const int64_t learnt = (args.paths + kTilePaths - 1) / kTilePaths * kTilePaths;
  for (int64_t path = 0; path < learnt; ++path) pilots.push_back(PathLevels(market, kPilotStream, path, 1));
  std::vector<double> cash;
  for (const auto& levels : pilots) cash.push_back(now(levels[steps]));
  std::vector<Rule> rules(steps);
  for (size_t step = steps - 1; step >= 1; --step) {
    std::vector<double> spots, held;
    for (size_t k = 0; k < pilots.size(); ++k) {
      cash[k] *= discount;
      if (now(pilots[k][step]) <= 0) continue;
      spots.push_back(pilots[k][step]);
      held.push_back(cash[k]);
    }
    rules[step] = Regress(spots, held, static_cast<size_t>(args.degree));
    if (rules[step].coefficients.empty()) continue;
    for (size_t k = 0; k < pilots.size(); ++k) {
      const double spot = pilots[k][step];
      if (now(spot) > 0 && now(spot) > rules[step].At(spot)) cash[k] = now(spot);
    }
  }

  const auto followed = [&](int64_t path, double mirror) {
    const std::vector<double> levels = PathLevels(market, kPriceStream, path, mirror);
    size_t step = 1;
    const auto stops = [&] {
      return !rules[step].coefficients.empty() && now(levels[step]) > 0 &&
             now(levels[step]) > rules[step].At(levels[step]);
    };
    while (step < steps && !stops()) ++step;
    return now(levels[step]) * std::pow(discount, static_cast<double>(step));
  };
  Mean mean;
  for (int64_t path = 0; path < (args.antithetic ? (args.paths + 1) / 2 : args.paths); ++path) {
    mean.Add(args.antithetic ? 0.5 * (followed(path, 1) + followed(path, -1)) : followed(path, 1));
  }
  args.value[0] = std::max(mean.Value(), now(args.spot));
  args.value[1] = now(args.spot) > mean.Value() ? 0 : mean.Error();
}

}  // namespace nautilus::cpu::reference
