// The American option: a rule of exercise by regression, then the price of following it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/montecarlo/correlated.h"
#include "cpu/montecarlo/estimate.h"
#include "cpu/montecarlo/market.h"
#include "cpu/montecarlo/rows.h"

namespace nautilus::cpu {
namespace {

using Args = McAmericanArgs;

constexpr int64_t kMaxTrainingPaths = 65536;
constexpr int64_t kMaxStored = int64_t{1} << 24;
constexpr int kMaxTerms = 9;

// What holding on is worth at one date: a polynomial in (spot - centre) / scale. Without terms nobody
// exercises.
struct Continuation {
  int terms = 0;
  double centre = 0;
  double scale = 1;
  double coefficients[kMaxTerms] = {};

  double At(double spot) const {
    const double x = (spot - centre) / scale;
    double sum = coefficients[terms - 1];
    for (int i = terms - 2; i >= 0; --i) sum = sum * x + coefficients[i];
    return sum;
  }
};

// Sums for one regression: powers of x, and values times powers.
struct Moments {
  double powers[2 * kMaxTerms - 1] = {};
  double products[kMaxTerms] = {};

  void Add(double x, double y, int terms) {
    double power = 1;
    for (int i = 0; i < 2 * terms - 1; ++i) {
      powers[i] += power;
      if (i < terms) products[i] += power * y;
      power *= x;
    }
  }
};

// Solves the normal equations of a polynomial; returns false when they are not positive definite.
bool Solve(const Moments& moments, Continuation& to) {
  const int n = to.terms;
  std::vector<double> factor(static_cast<size_t>(n) * n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) factor[static_cast<size_t>(i * n + j)] = moments.powers[i + j];
  }
  if (LowerFactor(n, factor) != 0) return false;
  double y[kMaxTerms];
  for (int i = 0; i < n; ++i) {
    if (factor[static_cast<size_t>(i * n + i)] <= 0) return false;
    y[i] = moments.products[i];
    for (int j = 0; j < i; ++j) y[i] -= factor[static_cast<size_t>(i * n + j)] * y[j];
    y[i] /= factor[static_cast<size_t>(i * n + i)];
  }
  for (int i = n - 1; i >= 0; --i) {
    for (int j = i + 1; j < n; ++j) y[i] -= factor[static_cast<size_t>(j * n + i)] * to.coefficients[j];
    to.coefficients[i] = y[i] / factor[static_cast<size_t>(i * n + i)];
  }
  return true;
}

template <typename T>
class AmericanRun {
 public:
  explicit AmericanRun(const Args& args)
      : args_(args),
        sobol_(args.generator == Args::Generator::kSobol),
        sign_(args.side == Args::Side::kCall ? 1 : -1),
        grid_(StepGrid<T>(MarketOf(args))),
        model_(ModelOf(MarketOf(args), Watch::kAll, {})) {
    model_.grid = grid_.data();
    for (int64_t step = 0; step <= args.steps; ++step) {
      discounts_.push_back(std::exp(-args.rate * model_.step_years * static_cast<double>(step)));
    }
  }

  Status Run() {
    if (!Learn()) return Status::kCancelled;
    const Rows<T> rows(args_.seed, static_cast<Generator>(args_.generator), args_.steps,
                       Factors(model_.process), kPriceStream);
    Estimate all(1);
    const Status status = EstimateByChunks(
        SamplesACopy(args_.paths, args_.antithetic, sobol_), sobol_, args_.cancel,
        [&](int64_t copy, int64_t first, int64_t count, Estimate& estimate) {
          Chunk(rows, copy, first, count, estimate);
        },
        all);
    if (status != Status::kOk) return status;
    const double now = Intrinsic(args_.spot);
    args_.value[0] = std::max(all.mean[0], now);
    args_.value[1] = now > all.mean[0] ? 0 : all.Error(0);
    return Status::kOk;
  }

 private:
  double Intrinsic(double spot) const { return std::max(sign_ * (spot - args_.strike), 0.0); }

  // Simulates the tile from path `first` on; -1 mirrors the normals of the call before.
  void Simulate(const Rows<T>& rows, int64_t copy, int64_t first, double sign, std::vector<T>& normals,
                PathEnds<T>& ends) const {
    if (sign > 0) rows.Fill(copy, first, normals.data());
    NormalSource source = rows.Source();
    source.rows = normals.data();
    source.sign = sign;
    SimulateTile(model_, source, first, ends);
  }

  // Works back from maturity over paths of their own; returns false when cancelled.
  bool Learn() {
    const int64_t steps = args_.steps;
    const int64_t affordable = std::max<int64_t>(kMaxStored / steps / kTilePaths, 1);
    const int64_t tiles =
        std::min({(args_.paths + kTilePaths - 1) / kTilePaths, kMaxTrainingPaths / kTilePaths, affordable});
    const Rows<T> rows(args_.seed, sobol_ ? Generator::kPhilox10 : static_cast<Generator>(args_.generator),
                       steps, Factors(model_.process), kPilotStream);
    std::vector<T> levels(static_cast<size_t>(tiles * steps * kTilePaths));
    const auto at = [&](int64_t tile, int64_t step) {
      return levels.data() + (tile * steps + step) * kTilePaths;
    };
    const Status status = ForChunks<char>(
        tiles, args_.cancel,
        [&](int64_t tile, char&) {
          std::vector<T> normals(static_cast<size_t>(rows.dimensions() * kTilePaths));
          PathEnds<T> ends;
          ends.all = at(tile, 0);
          Simulate(rows, 0, tile * kTilePaths, 1, normals, ends);
        },
        [](int64_t, char) {});
    if (status != Status::kOk) return false;
    rule_.resize(static_cast<size_t>(steps));
    // Cash of each path, as of the date at hand.
    std::vector<double> cash(static_cast<size_t>(tiles * kTilePaths));
    for (int64_t tile = 0; tile < tiles; ++tile) {
      for (int64_t k = 0; k < kTilePaths; ++k) {
        cash[static_cast<size_t>(tile * kTilePaths + k)] =
            Intrinsic(static_cast<double>(at(tile, steps - 1)[k]));
      }
    }
    for (int64_t step = steps - 2; step >= 0; --step) {
      if (IsCancelled(args_.cancel)) return false;
      for (double& value : cash) value *= discounts_[1];
      Continuation& rule = rule_[static_cast<size_t>(step)];
      if (!Fit(tiles, cash, rule, [&](int64_t tile) { return at(tile, step); })) continue;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        for (int64_t k = 0; k < kTilePaths; ++k) {
          const auto spot = static_cast<double>(at(tile, step)[k]);
          const double now = Intrinsic(spot);
          if (now > 0 && now > rule.At(spot)) cash[static_cast<size_t>(tile * kTilePaths + k)] = now;
        }
      }
    }
    return true;
  }

  // Regresses cash on the spot over the paths in the money; too few of them make no rule.
  template <class Levels>
  bool Fit(int64_t tiles, const std::vector<double>& cash, Continuation& rule, const Levels& levels) const {
    double count = 0;
    double sum = 0;
    double squares = 0;
    const auto each = [&](const auto& see) {
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const T* spots = levels(tile);
        for (int64_t k = 0; k < kTilePaths; ++k) {
          const auto spot = static_cast<double>(spots[k]);
          if (Intrinsic(spot) > 0) see(spot, cash[static_cast<size_t>(tile * kTilePaths + k)]);
        }
      }
    };
    each([&](double spot, double) {
      const double x = spot - args_.strike;
      count += 1;
      sum += x;
      squares += x * x;
    });
    const double mean = sum / std::max(count, 1.0);
    const double variance = squares / std::max(count, 1.0) - mean * mean;
    if (count < 4.0 * kMaxTerms || variance <= 1e-12 * args_.strike * args_.strike) return false;
    rule.centre = args_.strike + mean;
    rule.scale = std::sqrt(variance);
    rule.terms = static_cast<int>(args_.degree) + 1;
    Moments moments;
    each([&](double spot, double value) {
      moments.Add((spot - rule.centre) / rule.scale, value, rule.terms);
    });
    if (!Solve(moments, rule)) rule.terms = 0;
    return rule.terms > 0;
  }

  void Chunk(const Rows<T>& rows, int64_t copy, int64_t first, int64_t count, Estimate& estimate) const {
    std::vector<T> normals(static_cast<size_t>(rows.dimensions() * kTilePaths));
    std::vector<T> levels(static_cast<size_t>(args_.steps * kTilePaths));
    std::vector<double> results(static_cast<size_t>(count + kTilePaths));
    PathEnds<T> ends;
    ends.all = levels.data();
    const double share = args_.antithetic ? 0.5 : 1;
    for (int64_t tile = 0; tile < count && !args_.Cancelled(); tile += kTilePaths) {
      for (int sign = 0; sign < (args_.antithetic ? 2 : 1); ++sign) {
        Simulate(rows, copy, first + tile, sign == 0 ? 1 : -1, normals, ends);
        for (int64_t k = 0; k < kTilePaths; ++k) {
          results[static_cast<size_t>(tile + k)] += share * Follow(levels.data() + k);
        }
      }
    }
    estimate.Set(0, results.data(), count);
  }

  // Discounted cash of one path under the rule; its levels lie kTilePaths apart.
  double Follow(const T* levels) const {
    for (int64_t step = 0; step + 1 < args_.steps; ++step) {
      const Continuation& rule = rule_[static_cast<size_t>(step)];
      if (rule.terms == 0) continue;
      const auto spot = static_cast<double>(levels[step * kTilePaths]);
      const double now = sign_ * (spot - args_.strike);
      if (now > 0 && now > rule.At(spot)) return now * discounts_[static_cast<size_t>(step + 1)];
    }
    const auto spot = static_cast<double>(levels[(args_.steps - 1) * kTilePaths]);
    return Intrinsic(spot) * discounts_[static_cast<size_t>(args_.steps)];
  }

  const Args& args_;
  const bool sobol_;
  const double sign_;
  const std::vector<T> grid_;
  PathModel model_;
  std::vector<double> discounts_;
  std::vector<Continuation> rule_;
};

}  // namespace

Status McAmerican(McAmericanArgs& args) {
  const Status status =
      CheckMarket(MarketOf(args), args.paths, args.generator == Args::Generator::kSobol, args.detail);
  if (status != Status::kOk) return status;
  return args.dtype == Dtype::kF64 ? AmericanRun<double>(args).Run() : AmericanRun<float>(args).Run();
}

}  // namespace nautilus::cpu
