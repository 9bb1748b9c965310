// Fits of trees as a whole: the same bits for any threads and steps, losses that fall, columns of every kind.
// The sanitizers see them here; what the numbers are is compared with other libraries beside
// src/learning/trees.
#include "core/trees.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "test/check.h"

namespace nautilus {
namespace {

using trees::Growth;
using trees::Model;
using trees::Objective;
using trees::Options;

constexpr int64_t kColumns = 11;  // a tile of 8 and one that is not full

struct Table {
  std::vector<float> inputs;
  std::vector<float> targets;
  std::vector<float> weights;
  trees::Rows rows;
};

// Column 0 holds categories, column 1 the trend, and every seventh value is missing.
Table MakeTable(int64_t rows, int64_t classes, uint32_t seed) {
  Table table;
  uint32_t state = seed;
  const auto draw = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) / 16777216.0f;
  };
  for (int64_t row = 0; row < rows; ++row) {
    table.inputs.resize((row + 1) * kColumns);
    float* const at = table.inputs.data() + row * kColumns;
    for (int64_t c = 0; c < kColumns; ++c) at[c] = draw() * 4 - 2;
    const int code = static_cast<int>(draw() * 12);
    at[0] = static_cast<float>(code);
    const float trend = at[1];
    for (int64_t c = 2; c < kColumns; ++c) {
      if ((row + c) % 7 == 0) at[c] = std::numeric_limits<float>::quiet_NaN();
    }
    const float signal = trend + (code % 3 == 0 ? 1.0f : -0.5f) + 0.1f * draw();
    table.targets.push_back(classes == 1 ? signal
                                         : std::min<float>(static_cast<float>(classes - 1),
                                                           std::max(0.0f, std::floor(signal + 1))));
    table.weights.push_back(0.5f + draw());
  }
  table.rows = {table.inputs.data(), table.targets.data(), table.weights.data(), rows, kColumns};
  return table;
}

struct Fitted {
  Status status;
  Model model;
  double first;
  double last;
};

Fitted Fit(const Table& training, const Table& validation, Options options, int64_t step) {
  const auto trainer = trees::MakeTrainer(training.rows, validation.rows, options);
  Fitted fitted{.status = Status::kOk, .model = {}, .first = 0, .last = 0};
  bool begun = false;
  while (fitted.status == Status::kOk && !trainer->progress().done) {
    fitted.status = trainer->Step(step, nullptr);
    if (!begun) fitted.first = trainer->progress().loss;
    begun = true;
    fitted.last = trainer->progress().loss;
  }
  if (fitted.status == Status::kOk) fitted.model = trainer->Take();
  return fitted;
}

std::vector<float> SumsOf(const Model& model, const Table& table, int threads) {
  std::vector<float> sums(table.rows.rows * model.classes);
  CHECK(trees::Predict(model, table.inputs, threads, sums.data()) == Status::kOk);
  return sums;
}

bool Same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

Options OptionsOf(Growth growth, Objective objective, int64_t classes) {
  Options options;
  options.growth = growth;
  options.objective = objective;
  options.classes = objective == Objective::kSoftmax ? classes : 1;
  options.rounds = 8;
  options.max_leaves = 20;
  options.max_depth = 5;
  options.row_share = 0.7;
  options.column_share = 0.8;
  options.split_share = 0.9;
  options.min_hessian = 0.1;
  options.seed = 5;
  // Oblivious trees have one question for all nodes, which sets don't fit.
  options.categories.assign(kColumns, 0);
  options.categories[0] = growth != Growth::kOblivious;
  options.monotone.assign(kColumns, 0);
  options.monotone[1] = 1;
  return options;
}

constexpr Growth kGrowths[] = {Growth::kLevel, Growth::kLeaf, Growth::kOblivious};

TEST("trees have the same bits on any number of threads and in steps of any size") {
  for (const Growth growth : kGrowths) {
    for (const auto& [objective, classes] :
         {std::pair{Objective::kSquared, 1}, std::pair{Objective::kLogistic, 2},
          std::pair{Objective::kSoftmax, 3}}) {
      const Table training = MakeTable(3000, classes, 1);
      const Table validation = MakeTable(400, classes, 2);
      Options options = OptionsOf(growth, objective, classes);
      options.patience = 4;
      const Fitted one = Fit(training, validation, options, 1);
      options.threads = 3;
      const Fitted three = Fit(training, validation, options, 5);
      CHECK(one.status == Status::kOk && three.status == Status::kOk);
      CHECK(one.model.feature == three.model.feature);
      const auto sums = SumsOf(one.model, validation, 1);
      CHECK(Same(sums, SumsOf(three.model, validation, 2)), "growth %d, objective %d", int(growth),
            int(objective));
      CHECK(one.last < one.first, "loss from %g to %g", one.first, one.last);
    }
  }
}

TEST("trees of every loss grow to the end, on few rows and on one, and forests do") {
  for (const Objective objective : {Objective::kSquared, Objective::kHuber, Objective::kQuantile}) {
    for (const int64_t rows : {int64_t{1}, int64_t{2}, int64_t{37}, int64_t{1100}}) {
      for (const Growth growth : kGrowths) {
        const Table table = MakeTable(rows, 1, 3);
        for (const bool forest : {false, true}) {
          if (forest && objective != Objective::kSquared) continue;
          Options options = OptionsOf(growth, objective, 1);
          options.forest = forest;
          const Fitted fitted = Fit(table, Table{}, options, 3);
          CHECK(fitted.status == Status::kOk, "%d rows", int(rows));
          for (const float sum : SumsOf(fitted.model, table, 1)) CHECK(std::isfinite(sum));
        }
      }
    }
  }
}

TEST("what the columns add to a prediction and the mean make the prediction") {
  const Table table = MakeTable(1000, 1, 4);
  const Fitted fitted = Fit(table, Table{}, OptionsOf(Growth::kLeaf, Objective::kSquared, 1), 8);
  const Table few = MakeTable(50, 1, 6);
  const auto sums = SumsOf(fitted.model, few, 1);
  std::vector<double> parts(few.rows.rows * (kColumns + 1));
  CHECK(trees::Explain(fitted.model, few.inputs, 2, nullptr, parts.data()) == Status::kOk);
  for (int64_t row = 0; row < few.rows.rows; ++row) {
    double sum = 0;
    for (int64_t c = 0; c <= kColumns; ++c) sum += parts[row * (kColumns + 1) + c];
    CHECK(std::abs(sum - sums[row]) < 1e-5, "%g and %g", sum, double(sums[row]));
  }
}

TEST("a column that only may rise never makes a prediction fall") {
  Table table = MakeTable(2000, 1, 7);
  // Among some of the rows, which the first question sets apart, the target falls with it: the next one, that
  // suits the others, turns their order.
  for (int64_t row = 0; row < 2000; ++row) {
    const float* const x = table.inputs.data() + row * kColumns;
    if (std::isfinite(x[1]) && std::isfinite(x[2])) table.targets[row] = x[2] > 0.4F ? 3 - x[1] : x[1];
  }
  for (const Growth growth : kGrowths) {
    Options options = OptionsOf(growth, Objective::kSquared, 1);
    options.max_leaves = 4;
    options.column_share = options.split_share = 1;
    const Fitted fitted = Fit(table, Table{}, options, 8);
    bool rises = false;
    for (int64_t other = 0; other < 40; ++other) {
      Table line = MakeTable(200, 1, 8);
      std::copy_n(line.inputs.begin() + other * kColumns, kColumns, line.inputs.begin());
      for (int64_t row = 0; row < 200; ++row) {
        std::copy_n(line.inputs.begin(), kColumns, line.inputs.begin() + row * kColumns);
        line.inputs[row * kColumns + 1] = -2 + 4 * static_cast<float>(row) / 199;
      }
      const auto sums = SumsOf(fitted.model, line, 1);
      for (size_t row = 1; row < sums.size(); ++row)
        CHECK(sums[row] >= sums[row - 1], "growth %d", int(growth));
      rises = rises || sums.back() > sums.front();
    }
    CHECK(rises, "growth %d", int(growth));
  }
}

TEST("a fit that is cancelled, and a code that is none, end with their status") {
  Table table = MakeTable(500, 1, 9);
  const Options options = OptionsOf(Growth::kLeaf, Objective::kSquared, 1);
  const std::atomic<uint32_t> cancelled{1};
  const auto trainer = trees::MakeTrainer(table.rows, {}, options);
  CHECK(trainer->Step(1, &cancelled) == Status::kCancelled);
  table.inputs[7 * kColumns] = 0.5f;
  const auto refused = trees::MakeTrainer(table.rows, {}, options);
  CHECK(refused->Step(1, nullptr) == Status::kInvalidOption);
  CHECK(refused->refusal().row == 7 && refused->refusal().column == 0);
}

}  // namespace
}  // namespace nautilus
