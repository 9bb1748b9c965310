// Filtered and smoothed probabilities of hidden states, and the most likely path.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/learning/hidden_markov.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

// Divides a row of probabilities by its sum. Returns false when that can't be.
bool Normalise(const double* from, int64_t count, double* out) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (from[i] < 0) return false;
    sum += from[i];
  }
  if (!(sum > 0 && std::isfinite(sum))) return false;
  for (int64_t i = 0; i < count; ++i) out[i] = from[i] / sum;
  return true;
}

// Viterbi, over logarithms; of equally likely states the first.
bool WritePath(const HiddenMarkov& model, const std::vector<double>& densities, int64_t rows,
               CancelFlag cancel, int32_t* path) {
  const int64_t n = model.states;
  const auto log_of = [](double p) { return std::log(std::max(p, kLeastProbability)); };
  std::vector<double> moves(n * n);
  std::transform(model.transitions.begin(), model.transitions.end(), moves.begin(), log_of);
  std::vector<uint8_t> from(rows * n);
  std::vector<double> best(n);
  std::vector<double> next(n);
  for (int64_t row = 0; row < rows; ++row) {
    if (row % 4096 == 0 && IsCancelled(cancel)) return false;
    for (int64_t j = 0; j < n; ++j) {
      double most = row == 0 ? log_of(model.initial[j]) : -INFINITY;
      for (int64_t i = 0; row > 0 && i < n; ++i) {
        const double along = best[i] + moves[i * n + j];
        if (along > most) most = along, from[row * n + j] = static_cast<uint8_t>(i);
      }
      next[j] = most + densities[row * n + j];
    }
    std::swap(best, next);
  }
  int64_t state = std::max_element(best.begin(), best.end()) - best.begin();
  for (int64_t row = rows - 1; row >= 0; --row) {
    path[row] = static_cast<int32_t>(state);
    state = from[row * n + state];
  }
  return true;
}

Status Check(HmmStatesArgs& args, HiddenMarkov& model) {
  const int64_t n = args.states;
  const int64_t columns = args.columns;
  const auto* initial = static_cast<const double*>(args.initial);
  const auto* transitions = static_cast<const double*>(args.transitions);
  const auto* means = static_cast<const double*>(args.means);
  const auto* covariances = static_cast<const double*>(args.covariances);
  args.detail = matrix::FirstNonFinite(static_cast<const double*>(args.values), args.rows * columns);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(initial, n);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(transitions, n * n);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(means, n * columns);
  if (args.detail < 0) args.detail = matrix::FirstNonFinite(covariances, n * columns * columns);
  if (args.detail >= 0) return Status::kNonFinite;
  args.detail = 0;
  if (!Normalise(initial, n, model.initial.data())) return Status::kInvalidOption;
  for (; args.detail < n; ++args.detail) {
    if (!Normalise(transitions + args.detail * n, n, model.transitions.data() + args.detail * n)) {
      return Status::kInvalidOption;
    }
  }
  std::copy_n(means, n * columns, model.means.begin());
  std::copy_n(covariances, n * columns * columns, model.covariances.begin());
  return Status::kOk;
}

}  // namespace

Status HmmStates(HmmStatesArgs& args) {
  HiddenMarkov model(args.states, args.columns);
  const Status refused = Check(args, model);
  if (refused != Status::kOk) return refused;
  LogDensities log_densities;
  args.detail = log_densities.Prepare(model);
  if (args.detail >= 0) return Status::kNotPositiveDefinite;
  std::vector<double> densities(args.rows * args.states);
  log_densities.Write(model, static_cast<const double*>(args.values), args.rows, args.cancel,
                      densities.data());
  Filter filter;
  if (!filter.Run(model, densities, args.rows, args.cancel)) return Status::kCancelled;
  std::copy(filter.filtered.begin(), filter.filtered.end(), static_cast<double*>(args.filtered));
  *static_cast<double*>(args.likelihood) = filter.likelihood;
  if (args.rows > 0 && !WritePath(model, densities, args.rows, args.cancel, args.path)) {
    return Status::kCancelled;
  }
  if (args.smoothed != nullptr) {
    if (!filter.Smooth(model, args.rows, args.cancel, nullptr)) return Status::kCancelled;
    std::copy(filter.filtered.begin(), filter.filtered.end(), static_cast<double*>(args.smoothed));
  }
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

}  // namespace nautilus::cpu
