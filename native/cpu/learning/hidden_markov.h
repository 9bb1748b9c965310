// A hidden Markov model with normal observations: densities, filter and smoother.
#ifndef NAUTILUS_CPU_LEARNING_HIDDEN_MARKOV_H_
#define NAUTILUS_CPU_LEARNING_HIDDEN_MARKOV_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "core/kernel_call.h"
#include "core/parallel.h"

namespace nautilus::cpu {

struct HiddenMarkov {
  HiddenMarkov(int64_t states_, int64_t columns_)
      : states(states_),
        columns(columns_),
        initial(states_),
        transitions(states_ * states_),
        means(states_ * columns_),
        covariances(states_ * columns_ * columns_) {}

  int64_t states;
  int64_t columns;
  std::vector<double> initial;      // [states], sum 1
  std::vector<double> transitions;  // [states, states], rows sum to 1
  std::vector<double> means;        // [states, columns]
  std::vector<double> covariances;  // [states, columns, columns]
};

// The logarithms of the densities of rows in each state.
class LogDensities {
 public:
  // Returns the first state whose covariance is not positive definite, or -1.
  int64_t Prepare(const HiddenMarkov& model) {
    const int64_t n = model.columns;
    factors_ = model.covariances;
    constants_.assign(model.states, -0.5 * static_cast<double>(n) * std::log(2 * std::numbers::pi));
    for (int64_t state = 0; state < model.states; ++state) {
      double* const a = factors_.data() + state * n * n;
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t i = j; i < n; ++i) {
          double sum = a[i * n + j];
          for (int64_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
          if (i == j && !(sum > 0 && std::isfinite(sum))) return state;
          a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
        }
        constants_[state] -= std::log(a[j * n + j]);
      }
    }
    return -1;
  }

  // Writes [rows, states].
  void Write(const HiddenMarkov& model, const double* values, int64_t rows, CancelFlag cancel,
             double* out) const {
    const int64_t n = model.columns;
    ParallelRanges(rows, 512, [&](int64_t first, int64_t last) {
      if (IsCancelled(cancel)) return;
      std::vector<double> y(n);
      for (int64_t row = first; row < last; ++row) {
        for (int64_t state = 0; state < model.states; ++state) {
          const double* l = factors_.data() + state * n * n;
          double square = 0;
          for (int64_t i = 0; i < n; ++i) {
            double sum = values[row * n + i] - model.means[state * n + i];
            for (int64_t k = 0; k < i; ++k) sum -= l[i * n + k] * y[k];
            y[i] = sum / l[i * n + i];
            square += y[i] * y[i];
          }
          // Rows beyond all measure are equally unlikely everywhere; NaN becomes that too.
          out[row * model.states + state] = std::max(-1e300, constants_[state] - 0.5 * square);
        }
      }
    });
  }

 private:
  std::vector<double> factors_;
  std::vector<double> constants_;
};

// Below this a probability counts as this: its logarithm stays a number.
inline constexpr double kLeastProbability = 1e-300;

// What the rows up to each one say of its state. Densities enter as logarithms, so that no row is too far off
// all states.
class Filter {
 public:
  // [rows, states] each: probabilities given the rows before, and given this row too.
  std::vector<double> predicted;
  std::vector<double> filtered;
  double likelihood = 0;

  // `densities` are logarithms, [rows, states]. Returns false when the caller gave up.
  bool Run(const HiddenMarkov& model, const std::vector<double>& densities, int64_t rows, CancelFlag cancel) {
    const int64_t n = model.states;
    predicted.assign(rows * n, 0.0);
    filtered.resize(rows * n);
    likelihood = 0;
    for (int64_t row = 0; row < rows; ++row) {
      if (row % 4096 == 0 && IsCancelled(cancel)) return false;
      double* const before = predicted.data() + row * n;
      double* const now = filtered.data() + row * n;
      if (row == 0) std::copy(model.initial.begin(), model.initial.end(), before);
      for (int64_t i = 0; row > 0 && i < n; ++i) {
        const double from = now[i - n];
        for (int64_t j = 0; j < n; ++j) before[j] += from * model.transitions[i * n + j];
      }
      double most = -INFINITY;
      for (int64_t j = 0; j < n; ++j) {
        before[j] = std::max(before[j], kLeastProbability);
        now[j] = std::log(before[j]) + densities[row * n + j];
        most = std::max(most, now[j]);
      }
      double sum = 0;
      for (int64_t j = 0; j < n; ++j) sum += now[j] = std::exp(now[j] - most);
      for (int64_t j = 0; j < n; ++j) now[j] /= sum;
      likelihood += most + std::log(sum);
    }
    return true;
  }

  // Replaces `filtered` by the probabilities given all rows, and adds the expected numbers of moves between
  // states to `moves` [states, states]. Returns false when the caller gave up.
  bool Smooth(const HiddenMarkov& model, int64_t rows, CancelFlag cancel, double* moves) {
    const int64_t n = model.states;
    std::vector<double> ratio(n);
    for (int64_t row = rows - 2; row >= 0; --row) {
      if (row % 4096 == 0 && IsCancelled(cancel)) return false;
      double* const now = filtered.data() + row * n;
      for (int64_t j = 0; j < n; ++j) ratio[j] = now[n + j] / predicted[(row + 1) * n + j];
      for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < n; ++j) {
          const double move = now[i] * model.transitions[i * n + j] * ratio[j];
          sum += move;
          if (moves != nullptr) moves[i * n + j] += move;
        }
        now[i] = sum;
      }
    }
    return true;
  }
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_LEARNING_HIDDEN_MARKOV_H_
