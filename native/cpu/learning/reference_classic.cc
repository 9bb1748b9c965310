// Textbook loops of the lasso, k-means, DBSCAN, hidden Markov models and the log-loss.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "cpu/learning/reference.h"

namespace nautilus::cpu::reference {
namespace {

using Table = std::vector<std::vector<double>>;

template <typename T>
Status KmeansOf(KmeansArgs& args) {
  const auto* values = static_cast<const T*>(args.values);
  const auto* weights = static_cast<const T*>(args.weights);
  std::vector<double> centres(args.clusters * args.columns);
  const auto* start = static_cast<const T*>(args.start);
  std::copy_n(start, centres.size(), centres.begin());
  std::fill_n(args.labels, args.rows, -1);
  for (int64_t round = 0; round <= args.max_iterations; ++round) {
    std::vector<double> sums(centres.size());
    std::vector<double> counts(args.clusters);
    *args.inertia = 0;
    bool changed = false;
    for (int64_t row = 0; row < args.rows; ++row) {
      double best = std::numeric_limits<double>::infinity();
      int32_t label = 0;
      for (int64_t k = 0; k < args.clusters; ++k) {
        double far = 0;
        for (int64_t j = 0; j < args.columns; ++j) {
          const double by = values[row * args.columns + j] - centres[k * args.columns + j];
          far += by * by;
        }
        if (far < best) best = far, label = static_cast<int32_t>(k);
      }
      const double weight = weights == nullptr ? 1 : weights[row];
      *args.inertia += weight * best;
      changed |= args.labels[row] != label;
      args.labels[row] = label;
      counts[label] += weight;
      for (int64_t j = 0; j < args.columns; ++j) {
        sums[label * args.columns + j] += weight * values[row * args.columns + j];
      }
    }
    if (!changed || round == args.max_iterations) break;
    for (int64_t i = 0; i < static_cast<int64_t>(centres.size()); ++i) {
      if (counts[i / args.columns] > 0) centres[i] = sums[i] / counts[i / args.columns];
    }
  }
  std::copy(centres.begin(), centres.end(), static_cast<T*>(args.centres));
  return Status::kOk;
}

template <typename T>
Status DbscanOf(DbscanArgs& args) {
  const auto* values = static_cast<const T*>(args.values);
  const auto* weights = static_cast<const T*>(args.weights);
  const auto near = [&](int64_t a, int64_t b) {
    double sum = 0;
    for (int64_t j = 0; j < args.columns; ++j) {
      const double by = double(values[a * args.columns + j]) - double(values[b * args.columns + j]);
      sum += by * by;
    }
    return sum <= args.eps * args.eps;
  };
  for (int64_t a = 0; a < args.rows; ++a) {
    double sum = 0;
    for (int64_t b = 0; b < args.rows; ++b) {
      if (near(a, b)) sum += weights == nullptr ? 1 : weights[b];
    }
    args.core[a] = sum >= double(args.min_points) ? 1 : 0;
    args.labels[a] = -1;
  }
  int32_t clusters = 0;
  for (int64_t first = 0; first < args.rows; ++first) {
    if (args.core[first] == 0 || args.labels[first] >= 0) continue;
    std::vector<int64_t> open{first};
    args.labels[first] = clusters;
    while (!open.empty()) {
      const int64_t a = open.back();
      open.pop_back();
      for (int64_t b = 0; args.core[a] != 0 && b < args.rows; ++b) {
        if (args.labels[b] >= 0 || !near(a, b)) continue;
        args.labels[b] = clusters;
        open.push_back(b);
      }
    }
    ++clusters;
  }
  *args.clusters = clusters;
  return Status::kOk;
}

// The density of a row in a state, by Gauss-Jordan on its covariance.
double Density(const double* x, const double* mean, const double* covariance, int64_t n) {
  std::vector<double> a(covariance, covariance + n * n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = i + 1; j < n; ++j) a[i * n + j] = a[j * n + i];
  }
  std::vector<double> far(n);
  for (int64_t j = 0; j < n; ++j) far[j] = x[j] - mean[j];
  std::vector<double> solved = far;
  double determinant = 1;
  for (int64_t i = 0; i < n; ++i) {
    const double pivot = a[i * n + i];
    determinant *= pivot;
    for (int64_t k = 0; k < n; ++k) a[i * n + k] /= pivot;
    solved[i] /= pivot;
    for (int64_t row = 0; row < n; ++row) {
      if (row == i) continue;
      const double by = a[row * n + i];
      for (int64_t k = 0; k < n; ++k) a[row * n + k] -= by * a[i * n + k];
      solved[row] -= by * solved[i];
    }
  }
  double square = 0;
  for (int64_t j = 0; j < n; ++j) square += far[j] * solved[j];
  return std::exp(-square / 2) / std::sqrt(std::pow(2 * std::numbers::pi, double(n)) * determinant);
}

}  // namespace

Status CoordinateDescent(CoordinateDescentArgs& args) {
  const auto* gram = static_cast<const double*>(args.gram);
  const auto* products = static_cast<const double*>(args.products);
  auto* w = static_cast<double*>(args.coefficients);
  std::fill_n(w, args.columns, 0.0);
  for (int round = 0; round < 20'000; ++round) {
    for (int64_t j = 0; j < args.columns; ++j) {
      double pull = products[j];
      for (int64_t k = 0; k < args.columns; ++k) {
        if (k != j) pull -= gram[j * args.columns + k] * w[k];
      }
      const double size = std::max(std::abs(pull) - args.l1, 0.0);
      w[j] = std::copysign(size, pull) / (gram[j * args.columns + j] + args.l2);
    }
  }
  return Status::kOk;
}

Status Kmeans(KmeansArgs& args) {
  return args.dtype == Dtype::kF64 ? KmeansOf<double>(args) : KmeansOf<float>(args);
}

Status Dbscan(DbscanArgs& args) {
  return args.dtype == Dtype::kF64 ? DbscanOf<double>(args) : DbscanOf<float>(args);
}

// Rabiner's scaled forward and backward variables; the path by trying all of them.
Status HmmStates(HmmStatesArgs& args) {
  const int64_t n = args.states;
  const auto* values = static_cast<const double*>(args.values);
  const auto share = [&](const void* from, int64_t at) {
    const double* row = static_cast<const double*>(from) + at / n * n;
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += row[i];
    return row[at % n] / sum;
  };
  Table density(args.rows, std::vector<double>(n));
  Table alpha = density;
  Table beta(args.rows, std::vector<double>(n, 1.0));
  double likelihood = 0;
  for (int64_t t = 0; t < args.rows; ++t) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      density[t][j] = Density(
          values + t * args.columns, static_cast<const double*>(args.means) + j * args.columns,
          static_cast<const double*>(args.covariances) + j * args.columns * args.columns, args.columns);
      double before = t == 0 ? share(args.initial, j) : 0;
      for (int64_t i = 0; t > 0 && i < n; ++i) before += alpha[t - 1][i] * share(args.transitions, i * n + j);
      sum += alpha[t][j] = before * density[t][j];
    }
    for (int64_t j = 0; j < n; ++j) {
      alpha[t][j] /= sum;
      static_cast<double*>(args.filtered)[t * n + j] = alpha[t][j];
    }
    likelihood += std::log(sum);
  }
  *static_cast<double*>(args.likelihood) = likelihood;
  for (int64_t t = args.rows - 2; t >= 0; --t) {
    double all = 0;
    for (int64_t i = 0; i < n; ++i) {
      beta[t][i] = 0;
      for (int64_t j = 0; j < n; ++j) {
        beta[t][i] += share(args.transitions, i * n + j) * density[t + 1][j] * beta[t + 1][j];
      }
      all += beta[t][i];
    }
    for (double& one : beta[t]) one /= all;
  }
  for (int64_t t = 0; args.smoothed != nullptr && t < args.rows; ++t) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += alpha[t][j] * beta[t][j];
    for (int64_t j = 0; j < n; ++j) {
      static_cast<double*>(args.smoothed)[t * n + j] = alpha[t][j] * beta[t][j] / sum;
    }
  }
  double best = -1;
  const auto paths = static_cast<int64_t>(std::pow(double(n), double(args.rows)));
  for (int64_t path = 0; path < paths; ++path) {
    double chance = 1;
    int64_t rest = path;
    int64_t before = 0;
    for (int64_t t = 0; t < args.rows; ++t, rest /= n) {
      const int64_t state = rest % n;
      chance *= density[t][state] *
                (t == 0 ? share(args.initial, state) : share(args.transitions, before * n + state));
      before = state;
    }
    if (chance <= best) continue;
    best = chance;
    rest = path;
    for (int64_t t = 0; t < args.rows; ++t, rest /= n) args.path[t] = static_cast<int32_t>(rest % n);
  }
  return Status::kOk;
}

Status LinearLogLoss(LinearLogLossArgs& args) {
  const auto* values = static_cast<const double*>(args.values);
  const auto* weights = static_cast<const double*>(args.weights);
  const auto* parameters = static_cast<const double*>(args.parameters);
  auto* gradient = static_cast<double*>(args.gradient);
  auto* hessian = static_cast<double*>(args.hessian);
  const int64_t scores = args.scores;
  const int64_t size = args.columns * scores;
  double loss = 0;
  std::fill_n(gradient, size, 0.0);
  if (hessian != nullptr) std::fill_n(hessian, size * size, 0.0);
  for (int64_t row = 0; row < args.rows; ++row) {
    const double* x = values + row * args.columns;
    // One score is that of class 1, class 0 has none.
    std::vector<double> p(std::max<int64_t>(2, scores));
    const int64_t first = scores == 1 ? 1 : 0;
    for (int64_t k = 0; k < scores; ++k) {
      for (int64_t j = 0; j < args.columns; ++j) p[first + k] += x[j] * parameters[j * scores + k];
    }
    const double target_score = p[args.targets[row]];
    double total = 0;
    for (double& one : p) total += one = std::exp(one);
    for (double& one : p) one /= total;
    const double weight = weights == nullptr ? 1 : weights[row];
    loss += weight * (std::log(total) - target_score);
    for (int64_t a = 0; a < size; ++a) {
      const int64_t k = first + a % scores;
      const double pull = p[k] - (args.targets[row] == k ? 1 : 0);
      gradient[a] += weight * pull * x[a / scores];
      for (int64_t b = 0; hessian != nullptr && b < size; ++b) {
        const int64_t l = first + b % scores;
        hessian[a * size + b] += weight * p[k] * ((k == l ? 1 : 0) - p[l]) * x[a / scores] * x[b / scores];
      }
    }
    if (args.probabilities != nullptr)
      std::copy_n(p.data() + first, scores, static_cast<double*>(args.probabilities) + row * scores);
  }
  *static_cast<double*>(args.loss) = loss;
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
