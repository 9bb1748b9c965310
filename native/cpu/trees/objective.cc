// Gradients by objective; XGBoost's and LightGBM's formulas, named where they differ.
#include "cpu/trees/objective.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

namespace nautilus::trees {
namespace {

double WeightOf(const Rows& rows, int64_t row) { return rows.weights == nullptr ? 1 : rows.weights[row]; }

// The logarithm of 1 + exp(x) without overflow.
double SoftPlus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Calls body(row, probabilities) for the rows of a piece.
using Probabilities = std::array<double, kMostClasses>;

template <class Body>
void EachSoftmax(const double* sums, int64_t rows, int64_t classes, int64_t first, int64_t last,
                 Body&& body) {
  Probabilities p;
  for (int64_t row = first; row < last; ++row) {
    double most = sums[row];
    for (int64_t k = 1; k < classes; ++k) most = std::max(most, sums[k * rows + row]);
    double total = 0;
    for (int64_t k = 0; k < classes; ++k) total += p[k] = std::exp(sums[k * rows + row] - most);
    for (int64_t k = 0; k < classes; ++k) p[k] /= total;
    body(row, p);
  }
}

struct Pull {
  double gradient;
  double hessian;
};

// One row of an objective with one sum.
Pull PullOf(const Options& options, double sum, double target) {
  switch (options.objective) {
    case Objective::kHuber:
      return {std::clamp(sum - target, -options.alpha, options.alpha), 1};
    case Objective::kQuantile:
      return {sum >= target ? 1 - options.alpha : -options.alpha, 1};
    case Objective::kPoisson: {
      // LightGBM's hessian, larger by exp(0.7), keeps the steps safe.
      const double mean = std::exp(sum);
      return {mean - target, mean * 2.0137527074704766};
    }
    case Objective::kLogistic: {
      const double p = Sigmoid(sum);
      return {p - target, p * (1 - p)};
    }
    default:
      return {sum - target, 1};
  }
}

double OneLoss(const Options& options, double sum, double target) {
  const double error = target - sum;
  switch (options.objective) {
    case Objective::kHuber:
      return std::abs(error) <= options.alpha ? error * error / 2
                                              : options.alpha * (std::abs(error) - options.alpha / 2);
    case Objective::kQuantile:
      return error >= 0 ? options.alpha * error : (options.alpha - 1) * error;
    case Objective::kPoisson:
      return std::exp(sum) - target * sum;
    case Objective::kLogistic:
      return SoftPlus(sum) - target * sum;
    default:
      return error * error / 2;
  }
}

}  // namespace

double WeightedQuantile(std::vector<std::pair<double, double>>& values, double share) {
  std::sort(values.begin(), values.end());
  double total = 0;
  for (const auto& [value, weight] : values) total += weight;
  double seen = 0;
  for (const auto& [value, weight] : values) {
    seen += weight;
    if (seen >= share * total) return value;
  }
  return values.empty() ? 0 : values.back().first;
}

std::vector<double> BaseOf(const Rows& rows, const Options& options) {
  std::vector<double> base(options.classes, 0.0);
  double weight = 0;
  for (int64_t row = 0; row < rows.rows; ++row) weight += WeightOf(rows, row);
  if (options.objective == Objective::kSoftmax) {
    for (int64_t row = 0; row < rows.rows; ++row)
      base[static_cast<int64_t>(rows.targets[row])] += WeightOf(rows, row);
    for (double& one : base) one = options.forest ? one / weight : std::log(std::max(one / weight, 1e-15));
    return base;
  }
  if (options.objective == Objective::kQuantile || options.objective == Objective::kHuber) {
    std::vector<std::pair<double, double>> values;
    for (int64_t row = 0; row < rows.rows; ++row) values.emplace_back(rows.targets[row], WeightOf(rows, row));
    base[0] = WeightedQuantile(values, options.objective == Objective::kQuantile ? options.alpha : 0.5);
    return base;
  }
  double sum = 0;
  for (int64_t row = 0; row < rows.rows; ++row) sum += WeightOf(rows, row) * rows.targets[row];
  const double mean = sum / weight;
  const double safe = std::clamp(mean, 1e-15, 1 - 1e-15);
  if (options.forest || options.objective == Objective::kSquared)
    base[0] = mean;
  else
    base[0] = options.objective == Objective::kPoisson ? std::log(std::max(mean, 1e-15))
                                                       : std::log(safe / (1 - safe));
  return base;
}

bool HasUnitHessians(const Rows& rows, const Options& options) {
  return rows.weights == nullptr && options.objective != Objective::kPoisson &&
         options.objective != Objective::kLogistic && options.objective != Objective::kSoftmax;
}

void FindGradients(const Rows& rows, const Options& options, const Team& team, const double* sums,
                   float* gradients, float* hessians) {
  const int64_t n = rows.rows;
  const auto write = [&](int64_t at, int64_t row, Pull pull) {
    const double weight = WeightOf(rows, row);
    gradients[at] = static_cast<float>(pull.gradient * weight);
    if (hessians != nullptr) hessians[at] = static_cast<float>(pull.hessian * weight);
  };
  if (options.objective != Objective::kSoftmax) {
    team.RunPieces(n, 5, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        write(row, row, PullOf(options, sums[row], rows.targets[row]));
    });
    return;
  }
  // LightGBM's factor, so that two classes are as fast as one logistic sum.
  const double factor = static_cast<double>(options.classes) / static_cast<double>(options.classes - 1);
  team.RunPieces(n, 10 * options.classes, [&](int64_t first, int64_t last) {
    EachSoftmax(sums, n, options.classes, first, last, [&](int64_t row, const Probabilities& p) {
      for (int64_t k = 0; k < options.classes; ++k) {
        const double hit = rows.targets[row] == static_cast<float>(k) ? 1 : 0;
        write(k * n + row, row, {p[k] - hit, factor * p[k] * (1 - p[k])});
      }
    });
  });
}

double LossOf(const Rows& rows, const Options& options, const Team& team, const double* sums) {
  const int64_t n = rows.rows;
  std::vector<std::pair<double, double>> parts((n + Team::kPiece - 1) / Team::kPiece);
  team.RunPieces(n, 10 * options.classes, [&](int64_t first, int64_t last) {
    auto& [loss, weight] = parts[first / Team::kPiece];
    if (options.objective == Objective::kSoftmax) {
      EachSoftmax(sums, n, options.classes, first, last, [&](int64_t row, const Probabilities& p) {
        loss -= WeightOf(rows, row) * std::log(std::max(p[static_cast<int64_t>(rows.targets[row])], 1e-300));
        weight += WeightOf(rows, row);
      });
      return;
    }
    for (int64_t row = first; row < last; ++row) {
      loss += WeightOf(rows, row) * OneLoss(options, sums[row], rows.targets[row]);
      weight += WeightOf(rows, row);
    }
  });
  double loss = 0;
  double weight = 0;
  for (const auto& [l, w] : parts) {
    loss += l;
    weight += w;
  }
  return loss / weight;
}

}  // namespace nautilus::trees
