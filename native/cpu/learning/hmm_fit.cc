// Baum-Welch: the filter and the smoother say how likely each state is in each row, and the parameters become
// the means over the rows weighed so.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/learning/hidden_markov.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

class BaumWelch {
 public:
  explicit BaumWelch(HmmFitArgs& args)
      : args_(args),
        values_(static_cast<const double*>(args.values)),
        model_(args.states, args.columns),
        densities_(args.rows * args.states) {
    const auto* start = static_cast<const double*>(args.start);
    std::copy_n(start, args.states * args.columns, model_.means.begin());
    const auto states = static_cast<double>(args.states);
    std::fill(model_.initial.begin(), model_.initial.end(), 1 / states);
    const double stay = args.states == 1 ? 1 : 0.9;
    for (int64_t i = 0; i < args.states; ++i) {
      for (int64_t j = 0; j < args.states; ++j) {
        model_.transitions[i * args.states + j] = i == j ? stay : (1 - stay) / (states - 1);
      }
    }
    const std::vector<double> all(args.rows, 1.0);
    std::vector<double> mean(args.columns);
    Moments(all.data(), 1, mean.data(), model_.covariances.data());
    for (int64_t state = 1; state < args.states; ++state) {
      std::copy_n(model_.covariances.begin(), args.columns * args.columns,
                  model_.covariances.begin() + state * args.columns * args.columns);
    }
  }

  Status Run() {
    auto* path = static_cast<double*>(args_.path);
    if (path != nullptr) std::fill_n(path, args_.max_iterations, std::numeric_limits<double>::quiet_NaN());
    const double enough = args_.tolerance * static_cast<double>(args_.rows);
    double before = -std::numeric_limits<double>::infinity();
    int64_t round = 0;
    for (;; ++round) {
      args_.detail = log_densities_.Prepare(model_);
      if (args_.detail >= 0) return Status::kNotPositiveDefinite;
      log_densities_.Write(model_, values_, args_.rows, args_.cancel, densities_.data());
      if (!filter_.Run(model_, densities_, args_.rows, args_.cancel)) return Status::kCancelled;
      if (round == args_.max_iterations) break;
      if (path != nullptr) path[round] = filter_.likelihood;
      if (filter_.likelihood - before < enough) break;
      before = filter_.likelihood;
      if (!Maximise()) return Status::kCancelled;
    }
    if (args_.Cancelled()) return Status::kCancelled;
    *static_cast<double*>(args_.likelihood) = filter_.likelihood;
    *args_.iterations = static_cast<int32_t>(round);
    Write();
    return Status::kOk;
  }

 private:
  // Mean and covariance of the rows, weighed by weights[row * stride].
  void Moments(const double* weights, int64_t stride, double* mean, double* covariance) const {
    const int64_t n = args_.columns;
    double total = 0;
    std::fill_n(mean, n, 0.0);
    for (int64_t row = 0; row < args_.rows; ++row) {
      const double weight = weights[row * stride];
      total += weight;
      for (int64_t j = 0; j < n; ++j) mean[j] += weight * values_[row * n + j];
    }
    for (int64_t j = 0; j < n; ++j) mean[j] /= total;
    std::fill_n(covariance, n * n, 0.0);
    const bool full = args_.covariance == HmmFitArgs::Covariance::kFull;
    std::vector<double> far(n);
    for (int64_t row = 0; row < args_.rows; ++row) {
      const double weight = weights[row * stride];
      for (int64_t j = 0; j < n; ++j) far[j] = values_[row * n + j] - mean[j];
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = full ? 0 : i; j <= i; ++j) covariance[i * n + j] += weight * far[i] * far[j];
      }
    }
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        covariance[i * n + j] /= total;
        covariance[j * n + i] = covariance[i * n + j];
      }
      double& variance = covariance[i * n + i];
      // Collinear columns need more than a floor: the whole matrix has to stay positive definite.
      variance = full ? variance + args_.floor : std::max(variance, args_.floor);
    }
  }

  bool Maximise() {
    const int64_t n = args_.states;
    std::vector<double> moves(n * n);
    if (!filter_.Smooth(model_, args_.rows, args_.cancel, moves.data())) return false;
    const double* const given = filter_.filtered.data();
    std::copy_n(given, n, model_.initial.begin());
    for (int64_t i = 0; i < n; ++i) {
      const double sum = std::accumulate(moves.begin() + i * n, moves.begin() + (i + 1) * n, 0.0);
      // A state that nothing leaves keeps what it had.
      for (int64_t j = 0; sum > 0 && j < n; ++j) model_.transitions[i * n + j] = moves[i * n + j] / sum;
    }
    ParallelFor(n, [&](int64_t state) {
      if (args_.Cancelled()) return;
      double total = 0;
      for (int64_t row = 0; row < args_.rows; ++row) total += given[row * n + state];
      if (!(total > 1e-10)) return;
      Moments(given + state, n, model_.means.data() + state * args_.columns,
              model_.covariances.data() + state * args_.columns * args_.columns);
    });
    return !args_.Cancelled();
  }

  // The calmest state first.
  void Write() const {
    const int64_t n = args_.states;
    const int64_t columns = args_.columns;
    std::vector<double> size(n);
    std::vector<int64_t> order(n);
    for (int64_t state = 0; state < n; ++state) {
      order[state] = state;
      for (int64_t j = 0; j < columns; ++j) {
        size[state] += model_.covariances[(state * columns + j) * columns + j];
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return size[a] < size[b]; });
    for (int64_t i = 0; i < n; ++i) {
      static_cast<double*>(args_.initial)[i] = model_.initial[order[i]];
      for (int64_t j = 0; j < n; ++j) {
        static_cast<double*>(args_.transitions)[i * n + j] = model_.transitions[order[i] * n + order[j]];
      }
      std::copy_n(model_.means.begin() + order[i] * columns, columns,
                  static_cast<double*>(args_.means) + i * columns);
      std::copy_n(model_.covariances.begin() + order[i] * columns * columns, columns * columns,
                  static_cast<double*>(args_.covariances) + i * columns * columns);
    }
  }

  HmmFitArgs& args_;
  const double* const values_;
  HiddenMarkov model_;
  LogDensities log_densities_;
  std::vector<double> densities_;
  Filter filter_;
};

}  // namespace

Status HmmFit(HmmFitArgs& args) {
  args.detail = matrix::FirstNonFinite(static_cast<const double*>(args.values), args.rows * args.columns);
  if (args.detail < 0) {
    args.detail = matrix::FirstNonFinite(static_cast<const double*>(args.start), args.states * args.columns);
  }
  if (args.detail >= 0) return Status::kNonFinite;
  return BaumWelch(args).Run();
}

}  // namespace nautilus::cpu
