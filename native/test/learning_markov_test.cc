// Hidden Markov models against scaled variables and a search of all paths.
#include <atomic>
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/learning/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus {
namespace {

using test::Fenced;
using test::Normal;

struct Chain {
  Chain(int64_t rows, int64_t columns, int64_t states, uint32_t seed)
      : values(Normal<double>(rows * columns, seed)),
        initial(states),
        transitions(states * states),
        means(Normal<double>(states * columns, seed + 1)),
        covariances(states * columns * columns) {
    for (int64_t i = 0; i < states; ++i) initial[i] = 1.0 + double(i);
    for (int64_t i = 0; i < states * states; ++i)
      transitions[i] = i % (states + 1) == 0 ? 5 : 1 + 0.1 * double(i);
    for (int64_t i = 0; i < states * columns; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        covariances[i * columns + j] = i % columns == j ? 1 + 0.5 * double(i / columns) : 0.3;
      }
    }
    args.rows = rows, args.columns = columns, args.states = states;
    args.values = values.data(), args.initial = initial.data(), args.transitions = transitions.data();
    args.means = means.data(), args.covariances = covariances.data();
  }

  std::vector<double> values, initial, transitions, means, covariances;
  HmmStatesArgs args{};
};

TEST("hmm_states agrees with the textbook: filtered, smoothed, most likely path") {
  for (const int64_t states : {1, 2, 3}) {
    for (const int64_t rows : {1, 2, 9}) {
      for (const int64_t columns : {1, 2, 4}) {
        Chain chain(rows, columns, states, 5);
        Fenced<double> filtered(rows * states, 1), smoothed(rows * states, 3);
        Fenced<double> plain_filtered(rows * states, 0), plain_smoothed(rows * states, 0);
        Fenced<int32_t> path(rows, 1), plain_path(rows, 0);
        double likelihood = 0, plain = 1;
        chain.args.filtered = filtered.data(), chain.args.smoothed = smoothed.data();
        chain.args.path = path.data(), chain.args.likelihood = &likelihood;
        CHECK(cpu::HmmStates(chain.args) == Status::kOk);
        CHECK(filtered.Whole() && smoothed.Whole() && path.Whole());
        chain.args.filtered = plain_filtered.data(), chain.args.smoothed = plain_smoothed.data();
        chain.args.path = plain_path.data(), chain.args.likelihood = &plain;
        cpu::reference::HmmStates(chain.args);
        CHECK(std::abs(likelihood - plain) <= 1e-9 * (1 + std::abs(plain)));
        CHECK(test::Worst(filtered, plain_filtered, rows * states, 1.0) <= 1e-9);
        CHECK(test::Worst(smoothed, plain_smoothed, rows * states, 1.0) <= 1e-9);
        bool same = true;
        for (int64_t row = 0; row < rows; ++row) same = same && path[row] == plain_path[row];
        CHECK(same, "%d states, %d rows, %d columns", int(states), int(rows), int(columns));
      }
    }
  }
}

TEST("hmm_fit and hmm_states stop when they are cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  Chain chain(20, 2, 2, 6);
  std::vector<double> filtered(40), initial(2), transitions(4), means(4), covariances(8);
  std::vector<int32_t> path(20);
  double likelihood = 0;
  int32_t iterations = 0;
  chain.args.filtered = filtered.data(), chain.args.path = path.data(), chain.args.likelihood = &likelihood;
  chain.args.cancel = &cancelled;
  CHECK(cpu::HmmStates(chain.args) == Status::kCancelled);
  HmmFitArgs fit{.rows = 20, .columns = 2, .states = 2, .max_iterations = 5, .floor = 1e-6};
  fit.values = chain.values.data(), fit.start = chain.means.data(), fit.initial = initial.data();
  fit.transitions = transitions.data(), fit.means = means.data(), fit.covariances = covariances.data();
  fit.likelihood = &likelihood, fit.iterations = &iterations, fit.cancel = &cancelled;
  CHECK(cpu::HmmFit(fit) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
