// The log-loss of linear models against textbook loops, and what it promises of threads and refusals.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/learning/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus {
namespace {

using test::Fenced;
using test::Normal;

struct Rows {
  Rows(int64_t rows, int64_t columns, int64_t scores, uint32_t seed)
      : values(Normal<double>(rows * columns, seed)),
        weights(Normal<double>(rows, seed + 1)),
        parameters(Normal<double>(columns * scores, seed + 2)),
        targets(rows) {
    for (double& weight : weights) weight = std::abs(weight);
    for (int64_t row = 0; row < rows; ++row)
      targets[row] = static_cast<int32_t>(row * 7 % 5 % std::max<int64_t>(2, scores));
    args.rows = rows, args.columns = columns, args.scores = scores;
    args.values = values.data(), args.weights = weights.data();
    args.parameters = parameters.data(), args.targets = targets.data();
  }

  std::vector<double> values, weights, parameters;
  std::vector<int32_t> targets;
  LinearLogLossArgs args{};
};

struct Found {
  std::vector<double> loss, gradient, hessian, probabilities;
  bool operator==(const Found&) const = default;
};

// Empty when it fails or writes where it may not.
template <class Kernel>
Found FoundBy(const Kernel& kernel, LinearLogLossArgs args, int64_t shift) {
  const int64_t size = args.columns * args.scores;
  Fenced<double> loss(1, shift), gradient(size, shift), hessian(size * size, shift);
  Fenced<double> probabilities(args.rows * args.scores, shift);
  args.loss = loss.data(), args.gradient = gradient.data(), args.hessian = hessian.data();
  args.probabilities = probabilities.data();
  const bool whole = kernel(args) == Status::kOk && loss.Whole() && gradient.Whole() && hessian.Whole() &&
                     probabilities.Whole();
  if (!whole) return {};
  const auto list = [](Fenced<double>& from, int64_t count) {
    return std::vector<double>(from.data(), from.data() + count);
  };
  return {list(loss, 1), list(gradient, size), list(hessian, size * size),
          list(probabilities, args.rows * args.scores)};
}

double Far(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double far = 0;
  for (size_t i = 0; i < a.size(); ++i) far = std::max(far, std::abs(a[i] - b[i]));
  return far;
}

TEST("linear_log_loss agrees with the textbook for every shape, with weights and without") {
  for (const int64_t rows : {0, 1, 255, 256, 257, 5000}) {
    for (const int64_t columns : {1, 3, 8}) {
      for (const int64_t scores : {1, 2, 3, 5}) {
        Rows data(rows, columns, scores, 3);
        for (const bool weighed : {true, false}) {
          if (!weighed) data.args.weights = nullptr;
          const Found found = FoundBy(cpu::LinearLogLoss, data.args, 1);
          const Found plain = FoundBy(cpu::reference::LinearLogLoss, data.args, 0);
          // Values, weights and scores are of the size of 5: no sum is above 125 times the rows.
          const double allowed = 1e-12 * 125 * double(rows + 1);
          CHECK(Far(found.loss, plain.loss) <= allowed && Far(found.gradient, plain.gradient) <= allowed &&
                    Far(found.hessian, plain.hessian) <= allowed &&
                    Far(found.probabilities, plain.probabilities) <= 1e-13,
                "%d rows, %d columns, %d scores", int(rows), int(columns), int(scores));
        }
      }
    }
  }
}

TEST("linear_log_loss has the same bits on any number of threads, and without what is not wanted") {
  const int threads = KernelThreads();
  for (const int64_t scores : {1, 3}) {
    Rows data(20'000, 5, scores, 4);
    SetKernelThreads(1);
    const Found first = FoundBy(cpu::LinearLogLoss, data.args, 0);
    CHECK(!first.loss.empty());
    for (const int count : {2, 5}) {
      SetKernelThreads(count);
      CHECK(FoundBy(cpu::LinearLogLoss, data.args, 0) == first, "%d threads", count);
    }
    double loss = 0;
    std::vector<double> gradient(5 * scores);
    data.args.loss = &loss, data.args.gradient = gradient.data();
    CHECK(cpu::LinearLogLoss(data.args) == Status::kOk && loss == first.loss[0] &&
          gradient == first.gradient);
  }
  SetKernelThreads(threads);
}

TEST("linear_log_loss keeps its digits where probabilities are 0 and 1") {
  const std::vector<double> values{-800, 800, 800};
  const std::vector<int32_t> targets{0, 1, 0};
  const double parameter = 1;
  double loss = 0, gradient = 0, hessian = 1;
  LinearLogLossArgs args{.rows = 3, .columns = 1, .scores = 1};
  args.values = values.data(), args.targets = targets.data(), args.parameters = &parameter;
  args.loss = &loss, args.gradient = &gradient, args.hessian = &hessian;
  CHECK(cpu::LinearLogLoss(args) == Status::kOk);
  CHECK(loss == 800 && gradient == 800 && hessian >= 0 && hessian < 1e-300, "%g %g %g", loss, gradient,
        hessian);
}

TEST("linear_log_loss names the row that it refuses, and stops when it is cancelled") {
  Rows data(300, 2, 3, 5);
  double loss = 7;
  std::vector<double> gradient(6);
  data.args.loss = &loss, data.args.gradient = gradient.data();
  const auto refused = [&](Status status, int64_t row) {
    return cpu::LinearLogLoss(data.args) == status && data.args.detail == row && loss == 7;
  };
  data.targets[280] = 3;
  CHECK(refused(Status::kInvalidOption, 280));
  data.targets[280] = -1;
  CHECK(refused(Status::kInvalidOption, 280));
  data.targets[280] = 0;
  data.weights[4] = -1;
  CHECK(refused(Status::kInvalidOption, 4));
  data.weights[4] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused(Status::kNonFinite, 4));
  data.weights[4] = 0;  // a row of no weight has to be finite as well
  data.values[9] = std::numeric_limits<double>::infinity();
  CHECK(refused(Status::kNonFinite, 4));
  data.values[9] = 0;
  data.parameters[5] = std::numeric_limits<double>::quiet_NaN();
  CHECK(refused(Status::kNonFinite, 1));
  data.parameters[5] = 0;
  const std::atomic<uint32_t> cancelled{1};
  data.args.cancel = &cancelled;
  CHECK(cpu::LinearLogLoss(data.args) == Status::kCancelled && loss == 7);
}

}  // namespace
}  // namespace nautilus
