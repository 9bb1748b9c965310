// The basket kernel: correlated geometric Brownian motions, levels of several kinds, pathwise deltas.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "core/montecarlo_call.h"
#include "cpu/montecarlo/basket_checks.h"
#include "cpu/montecarlo/correlated.h"
#include "cpu/montecarlo/estimate.h"
#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu {
namespace {

using Args = McBasketArgs;

double NormalCdf(double x) { return 0.5 * std::erfc(-x * 0.70710678118654752440); }

template <typename T>
class BasketRun {
 public:
  BasketRun(const Args& args, const std::vector<double>& factor)
      : args_(args),
        n_(args.assets),
        sobol_(args.generator == Args::Generator::kSobol),
        rows_(args.seed, static_cast<Generator>(args.generator), args.steps, n_, kPriceStream),
        discount_(std::exp(-args.rate * args.maturity)),
        factor_(factor.size()),
        drift_(static_cast<size_t>(n_)) {
    const double years = args.maturity / static_cast<double>(args.steps);
    for (int64_t i = 0; i < n_; ++i) {
      const double volatility = args.volatilities[i];
      const double dividend = args.dividends == nullptr ? 0 : args.dividends[i];
      drift_[i] = static_cast<T>((args.rate - dividend - 0.5 * volatility * volatility) * years);
      for (int64_t j = 0; j <= i; ++j) {
        factor_[i * n_ + j] = static_cast<T>(factor[i * n_ + j] * volatility * std::sqrt(years));
      }
      weight_sum_ += args.weights[i];
    }
  }

  // With `elsewhere` the paths are simulated there.
  Status Run(const EstimateBasket& elsewhere = nullptr) {
    if (args_.control == Args::Control::kGeometric) FindControl();
    Estimate all(static_cast<size_t>(1 + (args_.deltas != nullptr ? n_ : 0)));
    const int64_t samples = SamplesACopy(args_.paths, args_.antithetic, sobol_);
    const Status status = elsewhere ? elsewhere(PlanOf(samples), all)
                                    : EstimateByChunks(
                                          samples, sobol_, args_.cancel,
                                          [&](int64_t copy, int64_t first, int64_t count,
                                              Estimate& estimate) { Chunk(copy, first, count, estimate); },
                                          all);
    if (status != Status::kOk) return status;
    args_.value[0] = all.mean[0];
    args_.value[1] = all.Error(0);
    for (int64_t i = 0; args_.deltas != nullptr && i < n_; ++i) {
      args_.deltas[i] = all.mean[static_cast<size_t>(1 + i)];
      args_.deltas[n_ + i] = all.Error(static_cast<size_t>(1 + i));
    }
    return Status::kOk;
  }

 private:
  BasketPlan PlanOf(int64_t samples) const {
    return {.args = args_,
            .drift = reinterpret_cast<const float*>(drift_.data()),
            .factor = reinterpret_cast<const float*>(factor_.data()),
            .weight_sum = weight_sum_,
            .discount = discount_,
            .control_mean = control_mean_,
            .beta = beta_,
            .samples = samples};
  }

  struct Tile {
    std::vector<T> z, logs, prices;
    std::vector<double> sensitivities;  // [asset][path]: d level / d log spot
    double level[kTilePaths];
    double control[kTilePaths];

    Tile(int64_t dimensions, int64_t n)
        : z(static_cast<size_t>(dimensions * kTilePaths)),
          logs(static_cast<size_t>(n * kTilePaths)),
          prices(logs.size()),
          sensitivities(logs.size()) {}
  };

  // The geometric mean of weight and price, times the sum of weights.
  void GeometricLevel(const Tile& tile, double* to) const {
    std::fill_n(to, kTilePaths, 0.0);
    for (int64_t i = 0; i < n_; ++i) {
      const double share = args_.weights[i] / weight_sum_;
      const double log_spot = std::log(args_.spots[i]);
      const T* log = tile.logs.data() + i * kTilePaths;
      for (int64_t k = 0; k < kTilePaths; ++k) to[k] += share * (log_spot + static_cast<double>(log[k]));
    }
    for (int64_t k = 0; k < kTilePaths; ++k) to[k] = weight_sum_ * std::exp(to[k]);
  }

  // Adds `part` of the level at this step to `tile.level`, and what it owes each asset to the sensitivities.
  void AddLevel(Tile& tile, double part) const {
    const bool slopes = args_.deltas != nullptr;
    double level[kTilePaths];
    int64_t chosen[kTilePaths] = {};
    if (args_.payoff != Args::Payoff::kGeometric) {
      for (int64_t i = 0; i < n_; ++i) {
        ExpRow(tile.logs.data() + i * kTilePaths, args_.spots[i] * args_.weights[i],
               tile.prices.data() + i * kTilePaths);
      }
    }
    switch (args_.payoff) {
      case Args::Payoff::kGeometric:
        GeometricLevel(tile, level);
        break;
      case Args::Payoff::kBasket:
        std::fill_n(level, kTilePaths, 0.0);
        for (int64_t i = 0; i < n_; ++i) {
          const T* price = tile.prices.data() + i * kTilePaths;
          for (int64_t k = 0; k < kTilePaths; ++k) level[k] += static_cast<double>(price[k]);
        }
        break;
      default: {
        const bool best = args_.payoff == Args::Payoff::kBestOf;
        for (int64_t k = 0; k < kTilePaths; ++k) level[k] = static_cast<double>(tile.prices[k]);
        for (int64_t i = 1; i < n_; ++i) {
          for (int64_t k = 0; k < kTilePaths; ++k) {
            const auto price = static_cast<double>(tile.prices[i * kTilePaths + k]);
            if (best ? price > level[k] : price < level[k]) {
              level[k] = price;
              chosen[k] = i;
            }
          }
        }
      }
    }
    for (int64_t k = 0; k < kTilePaths; ++k) tile.level[k] += part * level[k];
    for (int64_t i = 0; slopes && i < n_; ++i) {
      double* to = tile.sensitivities.data() + i * kTilePaths;
      const T* price = tile.prices.data() + i * kTilePaths;
      const double share = args_.weights[i] / weight_sum_;
      for (int64_t k = 0; k < kTilePaths; ++k) {
        const double owed = args_.payoff == Args::Payoff::kGeometric ? share * level[k]
                            : args_.payoff == Args::Payoff::kBasket || chosen[k] == i
                                ? static_cast<double>(price[k])
                                : 0;
        to[k] += part * owed;
      }
    }
  }

  void Simulate(Tile& tile) const {
    std::fill(tile.logs.begin(), tile.logs.end(), T{0});
    std::fill(tile.sensitivities.begin(), tile.sensitivities.end(), 0);
    std::fill_n(tile.level, kTilePaths, 0.0);
    for (int64_t step = 0; step < args_.steps; ++step) {
      for (int64_t i = 0; i < n_; ++i) {
        for (int64_t k = 0; k < kTilePaths; ++k) tile.logs[i * kTilePaths + k] += drift_[i];
      }
      AddCorrelated(n_, factor_.data(), tile.z.data() + step * n_ * kTilePaths, tile.logs.data());
      if (args_.average) {
        AddLevel(tile, 1.0 / static_cast<double>(args_.steps));
      } else if (step + 1 == args_.steps) {
        AddLevel(tile, 1);
      }
    }
    if (args_.control == Args::Control::kGeometric) GeometricLevel(tile, tile.control);
  }

  double Inner(double level) const {
    return args_.side == Args::Side::kCall ? level - args_.strike : args_.strike - level;
  }

  // Calls see(first path of the tile, tile) for every tile, twice for mirrored pairs.
  template <class See>
  void Tiles(const Rows<T>& from, int64_t copy, int64_t first, int64_t count, const See& see) const {
    Tile tile(from.dimensions(), n_);
    for (int64_t at = 0; at < count && !args_.Cancelled(); at += kTilePaths) {
      from.Fill(copy, first + at, tile.z.data());
      Simulate(tile);
      see(at, tile);
      if (!args_.antithetic) continue;
      for (T& z : tile.z) z = -z;
      Simulate(tile);
      see(at, tile);
    }
  }

  void Chunk(int64_t copy, int64_t first, int64_t count, Estimate& estimate) const {
    const double share = discount_ * (args_.antithetic ? 0.5 : 1);
    const size_t figures = estimate.mean.size();
    std::vector<double> results(figures * static_cast<size_t>(count));
    std::fill_n(results.begin(), count, beta_ * control_mean_ * discount_);
    const double sign = args_.side == Args::Side::kCall ? 1 : -1;
    Tiles(rows_, copy, first, count, [&](int64_t at, const Tile& tile) {
      const int64_t paths = std::min(kTilePaths, count - at);
      for (int64_t k = 0; k < paths; ++k) {
        double value = std::max(Inner(tile.level[k]), 0.0);
        if (beta_ != 0) value -= beta_ * std::max(Inner(tile.control[k]), 0.0);
        results[static_cast<size_t>(at + k)] += share * value;
      }
      for (size_t figure = 1; figure < figures; ++figure) {
        double* to = results.data() + figure * static_cast<size_t>(count) + at;
        const double by = share * sign / args_.spots[figure - 1];
        const double* owed = tile.sensitivities.data() + (figure - 1) * kTilePaths;
        for (int64_t k = 0; k < paths; ++k) to[k] += Inner(tile.level[k]) > 0 ? by * owed[k] : 0;
      }
    });
    for (size_t figure = 0; figure < figures; ++figure) {
      estimate.Set(figure, results.data() + figure * static_cast<size_t>(count), count);
    }
  }

  // The geometric basket is lognormal, so its price is known; how much of it to take is found over paths of
  // their own.
  void FindControl() {
    double mean = 0;
    double variance = 0;
    const auto steps = static_cast<double>(args_.steps);
    std::vector<double> loading(static_cast<size_t>(n_));
    for (int64_t i = 0; i < n_; ++i) {
      const double share = args_.weights[i] / weight_sum_;
      mean += share * (std::log(args_.spots[i]) + steps * static_cast<double>(drift_[i]));
      for (int64_t j = 0; j <= i; ++j) loading[j] += share * static_cast<double>(factor_[i * n_ + j]);
    }
    for (const double value : loading) variance += steps * value * value;
    const double forward = weight_sum_ * std::exp(mean + variance / 2);
    const double deviation = std::sqrt(variance);
    if (deviation > 0 && args_.strike > 0) {
      const double sign = args_.side == Args::Side::kCall ? 1 : -1;
      const double d1 = std::log(forward / args_.strike) / deviation + deviation / 2;
      control_mean_ =
          sign * (forward * NormalCdf(sign * d1) - args_.strike * NormalCdf(sign * (d1 - deviation)));
    } else {
      control_mean_ = std::max(Inner(forward), 0.0);
    }
    const Rows<T> pilot(args_.seed, sobol_ ? Generator::kPhilox10 : static_cast<Generator>(args_.generator),
                        args_.steps, n_, kPilotStream);
    std::vector<double> payoffs(kChunkPaths), controls(kChunkPaths);
    Tiles(pilot, 0, 0, kChunkPaths, [&](int64_t at, const Tile& tile) {
      for (int64_t k = 0; k < kTilePaths; ++k) {
        payoffs[static_cast<size_t>(at + k)] += std::max(Inner(tile.level[k]), 0.0);
        controls[static_cast<size_t>(at + k)] += std::max(Inner(tile.control[k]), 0.0);
      }
    });
    beta_ = Slope(payoffs.data(), controls.data(), kChunkPaths);
  }

  const Args& args_;
  const int64_t n_;
  const bool sobol_;
  const Rows<T> rows_;
  const double discount_;
  std::vector<T> factor_;
  std::vector<T> drift_;
  double weight_sum_ = 0;
  double control_mean_ = 0;
  double beta_ = 0;
};

}  // namespace

Status McBasket(McBasketArgs& args) {
  const Status status = CheckBasket(args);
  if (status != Status::kOk) return status;
  const std::vector<double> factor = CorrelationFactor(args, args.detail);
  if (args.detail != 0) return Status::kNotPositiveDefinite;
  return args.dtype == Dtype::kF64 ? BasketRun<double>(args, factor).Run()
                                   : BasketRun<float>(args, factor).Run();
}

Status McBasketBy(McBasketArgs& args, const EstimateBasket& estimate) {
  const Status status = CheckBasket(args);
  if (status != Status::kOk) return status;
  const std::vector<double> factor = CorrelationFactor(args, args.detail);
  if (args.detail != 0) return Status::kNotPositiveDefinite;
  return BasketRun<float>(args, factor).Run(estimate);
}

}  // namespace nautilus::cpu
