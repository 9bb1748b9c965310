// Simulations as textbooks write them, for tests.
#include "cpu/montecarlo/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu/montecarlo/student.h"
#include "cpu/random/philox.h"

namespace nautilus::cpu::reference {
namespace {

double UpperTail(double x) { return 0.5 * std::erfc(x / std::sqrt(2.0)); }

// Heston's variance after a step, and what it adds to the log beside the spot's own normal; Andersen 2008.
double HestonStep(const McOptionArgs& a, double dt, double z_spot, double z_variance, double& x, double v) {
  const double kappa = a.mean_reversion, theta = a.long_variance, xi = a.variance_volatility,
               rho = a.correlation;
  const double e = std::exp(-kappa * dt);
  const double m = theta + (v - theta) * e;
  const double s2 = v * xi * xi * e / kappa * (1 - e) + theta * xi * xi / (2 * kappa) * (1 - e) * (1 - e);
  const double psi = s2 / (m * m);
  const double k1 = 0.5 * dt * (kappa * rho / xi - 0.5) - rho / xi;
  const double k2 = 0.5 * dt * (kappa * rho / xi - 0.5) + rho / xi;
  const double k3 = 0.5 * dt * (1 - rho * rho);
  const double tilt = k2 + 0.5 * k3;
  double next, log_mean;
  if (psi <= 1.5) {
    const double b2 = 2 / psi - 1 + std::sqrt(2 / psi) * std::sqrt(2 / psi - 1);
    const double scale = m / (1 + b2);
    next = scale * (std::sqrt(b2) + z_variance) * (std::sqrt(b2) + z_variance);
    log_mean = tilt * b2 * scale / (1 - 2 * tilt * scale) - 0.5 * std::log(1 - 2 * tilt * scale);
  } else {
    const double p = (psi - 1) / (psi + 1);
    const double beta = (1 - p) / m;
    const double above = UpperTail(z_variance);
    next = above < 1 - p ? std::log((1 - p) / above) / beta : 0;
    log_mean = std::log(p + beta * (1 - p) / (beta - tilt));
  }
  const double k0 = -log_mean - (k1 + 0.5 * k3) * v;
  x += (a.rate - a.dividend) * dt + k0 + k1 * v + k2 * next + std::sqrt(k3 * (v + next)) * z_spot;
  return next;
}

double LocalVolatility(const McOptionArgs& a, double time, double x) {
  const double row = time / a.maturity * static_cast<double>(a.grid_times - 1);
  const auto top = static_cast<int64_t>(row);
  const int64_t bottom = std::min(top + 1, a.grid_times - 1);
  const double column = std::clamp((x - a.grid_low) / (a.grid_high - a.grid_low), 0.0, 1.0) *
                        static_cast<double>(a.grid_spots - 1);
  const auto left = std::min(static_cast<int64_t>(column), a.grid_spots - 2);
  const auto at = [&](int64_t i, int64_t j) { return a.local_volatility[i * a.grid_spots + j]; };
  const double p = row - static_cast<double>(top);
  const double q = column - static_cast<double>(left);
  return (1 - p) * ((1 - q) * at(top, left) + q * at(top, left + 1)) +
         p * ((1 - q) * at(bottom, left) + q * at(bottom, left + 1));
}

int64_t Jumps(double mean, double z) {
  double probability = std::exp(-mean);
  double above = -std::expm1(-mean);
  int64_t jumps = 0;
  while (UpperTail(z) < above && jumps < 1000) {
    ++jumps;
    probability *= mean / static_cast<double>(jumps);
    above -= probability;
  }
  return jumps;
}

double Payoff(const McOptionArgs& a, const std::vector<double>& levels, double survival) {
  const double sign = a.side == McOptionArgs::Side::kCall ? 1 : -1;
  const auto vanilla = [&](double level) { return std::max(sign * (level - a.strike), 0.0); };
  const double end = levels.back();
  const double high = *std::max_element(levels.begin(), levels.end());
  const double low = *std::min_element(levels.begin(), levels.end());
  const auto dates = static_cast<double>(levels.size() - 1);
  double sum = 0, logs = 0;
  for (size_t i = 1; i < levels.size(); ++i) {
    sum += levels[i];
    logs += std::log(levels[i]);
  }
  using P = McOptionArgs::Payoff;
  using K = McOptionArgs::BarrierKind;
  switch (a.payoff) {
    case P::kEuropean:
      return vanilla(end);
    case P::kDigital:
      return sign * (end - a.strike) > 0 ? a.payout : 0;
    case P::kAsian:
      return vanilla(sum / dates);
    case P::kAsianGeometric:
      return vanilla(std::exp(logs / dates));
    case P::kLookbackFixed:
      return sign > 0 ? vanilla(high) : vanilla(low);
    case P::kLookbackFloating:
      return sign > 0 ? end - low : high - end;
    case P::kBarrier:
      break;
  }
  const bool up = a.barrier_kind == K::kUpOut || a.barrier_kind == K::kUpIn;
  const bool out = a.barrier_kind == K::kUpOut || a.barrier_kind == K::kDownOut;
  if (up ? high >= a.barrier : low <= a.barrier) survival = 0;
  const double lives = out ? survival : 1 - survival;
  return lives * vanilla(end) + (1 - lives) * a.rebate;
}

}  // namespace

std::vector<double> PathLevels(const McOptionArgs& a, uint32_t stream, int64_t path, double mirror,
                               double* unhit) {
  using P = McOptionArgs::Process;
  const double dt = a.maturity / static_cast<double>(a.steps);
  const int rounds = a.generator == McOptionArgs::Generator::kPhilox7 ? 7 : 10;
  const int64_t factors = a.process == P::kMerton ? 3 : a.process == P::kHeston ? 2 : 1;
  const double jump = std::exp(a.jump_mean + 0.5 * a.jump_volatility * a.jump_volatility) - 1;
  std::vector<double> levels = {a.spot};
  double x = 0;
  double v = a.volatility * a.volatility;
  double survival = 1;
  for (int64_t step = 0; step < a.steps; ++step) {
    double z[3] = {};
    for (int64_t i = 0; i < factors; ++i) {
      z[i] = mirror * Normal(a.dtype, a.seed, stream, rounds, path, step * factors + i);
    }
    const double before = x;
    double volatility = a.volatility;
    switch (a.process) {
      case P::kLocalVol:
        volatility = LocalVolatility(a, static_cast<double>(step) * dt, x);
        [[fallthrough]];
      case P::kGbm:
        x += (a.rate - a.dividend - 0.5 * volatility * volatility) * dt + volatility * std::sqrt(dt) * z[0];
        break;
      case P::kMerton: {
        const auto jumps = static_cast<double>(Jumps(a.jump_rate * dt, z[2]));
        x += (a.rate - a.dividend - 0.5 * volatility * volatility - a.jump_rate * jump) * dt +
             volatility * std::sqrt(dt) * z[0] + jumps * a.jump_mean +
             std::sqrt(jumps) * a.jump_volatility * z[1];
        break;
      }
      case P::kHeston:
        v = HestonStep(a, dt, z[0], z[1], x, v);
    }
    if (a.monitoring == McOptionArgs::Monitoring::kContinuous && a.payoff == McOptionArgs::Payoff::kBarrier) {
      const double barrier = std::log(a.barrier / a.spot);
      survival *= 1 - std::exp(-2 * (barrier - before) * (barrier - x) / (volatility * volatility * dt));
    }
    levels.push_back(a.spot * std::exp(x));
  }
  if (unhit != nullptr) *unhit = survival;
  return levels;
}

namespace {

double OptionPath(const McOptionArgs& a, int64_t path, double mirror) {
  double unhit;
  const std::vector<double> levels = PathLevels(a, 0, path, mirror, &unhit);
  return std::exp(-a.rate * a.maturity) * Payoff(a, levels, unhit);
}

// Lower factor of a positive definite matrix.
std::vector<double> Factor(int64_t n, const double* matrix) {
  std::vector<double> l(static_cast<size_t>(n * n));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = matrix[i * n + j];
      for (int64_t k = 0; k < j; ++k) sum -= l[i * n + k] * l[j * n + k];
      l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j];
    }
  }
  return l;
}

}  // namespace

double Normal(Dtype dtype, uint64_t seed, uint32_t stream, int rounds, int64_t path, int64_t dimension) {
  const PhiloxKeys keys(seed);
  const auto block = static_cast<uint32_t>(dimension / 2);
  double u, turn, sign;
  if (dtype == Dtype::kF32) {
    const auto words = Philox({static_cast<uint32_t>(path / 2), block, stream, 0}, keys, rounds);
    const bool odd = path % 2 == 1;
    const uint32_t angle = words[odd ? 2 : 3];
    u = (words[odd ? 0 : 1] | 1u) * 0x1p-32;
    turn = (angle & 0x7FFFFF) * 0x1p-22 - 1;
    sign = angle >> 31 ? -1 : 1;
  } else {
    const auto words = Philox({static_cast<uint32_t>(path), block, stream, 0}, keys, rounds);
    const uint64_t angle = uint64_t{words[2]} << 32 | words[3];
    u = static_cast<double>((uint64_t{words[0]} << 32 | words[1]) >> 11 | 1) * 0x1p-53;
    turn = static_cast<double>(angle & 0xFFFFFFFFFFFFF) * 0x1p-51 - 1;
    sign = angle >> 63 ? -1 : 1;
  }
  const double radius = sign * std::sqrt(-2 * std::log(u));
  const double half_pi = 1.57079632679489661923;
  return dimension % 2 == 0 ? radius * std::cos(half_pi * turn) : radius * std::sin(half_pi * turn);
}

void McOption(McOptionArgs& args) {
  Mean mean;
  const int64_t samples = args.antithetic ? (args.paths + 1) / 2 : args.paths;
  for (int64_t path = 0; path < samples; ++path) {
    const double value = OptionPath(args, path, 1);
    mean.Add(args.antithetic ? 0.5 * (value + OptionPath(args, path, -1)) : value);
  }
  args.values[0] = mean.Value();
  args.errors[0] = mean.Error();
}

void McBasket(McBasketArgs& args) {
  const int64_t n = args.assets;
  const std::vector<double> l = Factor(n, args.correlations);
  const double dt = args.maturity / static_cast<double>(args.steps);
  const int rounds = args.generator == McBasketArgs::Generator::kPhilox7 ? 7 : 10;
  double weights = 0;
  for (int64_t i = 0; i < n; ++i) weights += args.weights[i];
  Mean mean;
  for (int64_t path = 0; path < args.paths; ++path) {
    std::vector<double> price(args.spots, args.spots + n);
    double level = 0;
    for (int64_t step = 0; step < args.steps; ++step) {
      for (int64_t i = 0; i < n; ++i) {
        double w = 0;
        for (int64_t j = 0; j <= i; ++j)
          w += l[i * n + j] * Normal(args.dtype, args.seed, 0, rounds, path, step * n + j);
        const double volatility = args.volatilities[i];
        const double dividend = args.dividends == nullptr ? 0 : args.dividends[i];
        price[i] *= std::exp((args.rate - dividend - 0.5 * volatility * volatility) * dt +
                             volatility * std::sqrt(dt) * w);
      }
      double sum = 0, logs = 0, best = -INFINITY, worst = INFINITY;
      for (int64_t i = 0; i < n; ++i) {
        sum += args.weights[i] * price[i];
        logs += args.weights[i] / weights * std::log(price[i]);
        best = std::max(best, args.weights[i] * price[i]);
        worst = std::min(worst, args.weights[i] * price[i]);
      }
      using P = McBasketArgs::Payoff;
      const double now = args.payoff == P::kBasket      ? sum
                         : args.payoff == P::kGeometric ? weights * std::exp(logs)
                         : args.payoff == P::kBestOf    ? best
                                                        : worst;
      level = args.average ? level + now / static_cast<double>(args.steps) : now;
    }
    const double sign = args.side == McBasketArgs::Side::kCall ? 1 : -1;
    mean.Add(std::exp(-args.rate * args.maturity) * std::max(sign * (level - args.strike), 0.0));
  }
  args.value[0] = mean.Value();
  args.value[1] = mean.Error();
}

void McPortfolio(McPortfolioArgs& args) {
  const int64_t n = args.assets;
  const std::vector<double> l = Factor(n, args.covariance);
  const int rounds = args.generator == McPortfolioArgs::Generator::kPhilox7 ? 7 : 10;
  const bool t_copula = args.copula == McPortfolioArgs::Copula::kStudent;
  const bool t_marginals = args.marginals == McPortfolioArgs::Marginals::kStudent;
  const StudentMap map(args.degrees);
  const PhiloxKeys keys(args.seed);
  for (int64_t path = 0; path < args.paths; ++path) {
    const double mixing = t_copula ? std::sqrt(MixingVariable(keys, 2, path, args.degrees)) : 1;
    double profit = 0;
    for (int64_t i = 0; i < n; ++i) {
      const double deviation = std::sqrt(args.covariance[i * n + i]);
      double z = 0;
      for (int64_t j = 0; j <= i; ++j) z += l[i * n + j] * Normal(args.dtype, args.seed, 0, rounds, path, j);
      double x = z / deviation / mixing;
      if (t_copula && !t_marginals) x = map.NormalOfStudent(x);
      if (!t_copula && t_marginals) x = map.StudentOfNormal(x);
      if (t_marginals) x *= std::sqrt((args.degrees - 2) / args.degrees);
      const double mean = args.means == nullptr ? 0 : args.means[i];
      const double moved = mean * args.horizon + deviation * std::sqrt(args.horizon) * x;
      profit += args.values[i] * (args.log_returns ? std::exp(moved) - 1 : moved);
    }
    if (args.dtype == Dtype::kF64) {
      static_cast<double*>(args.pnl)[path] = profit;
    } else {
      static_cast<float*>(args.pnl)[path] = static_cast<float>(profit);
    }
  }
}

}  // namespace nautilus::cpu::reference
