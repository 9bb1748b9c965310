// What the tests of the histograms of trees share: rows of data, and runs of a call.
#ifndef NAUTILUS_TEST_LEARNING_TESTING_H_
#define NAUTILUS_TEST_LEARNING_TESTING_H_

#include <cstdint>
#include <random>
#include <vector>

#include "core/generated/learning_args.h"
#include "core/status.h"
#include "test/check.h"
#include "test/statistics_testing.h"

namespace nautilus::test {

struct TreeShape {
  int64_t rows, features, nodes, bins;
};

// Rows of which about one in nine is in no node, and values of which some are missing.
template <typename T>
struct TreeData {
  TreeData(const TreeShape& shape, uint32_t seed) {
    args.dtype = Kind<T>();
    args.rows = shape.rows, args.features = shape.features, args.nodes = shape.nodes;
    args.bin_count = shape.bins;
    std::mt19937 engine(seed);
    const auto below = [&](int64_t end) {
      return static_cast<int32_t>(engine() % static_cast<uint32_t>(end));
    };
    bins.resize(shape.rows * shape.features);
    for (uint8_t& bin : bins) bin = static_cast<uint8_t>(below(std::min<int64_t>(256, shape.bins + 2)));
    node.resize(shape.rows);
    for (int32_t& one : node) one = below(9) == 0 ? -1 - below(3) : below(shape.nodes);
    gradients = Normal<T>(shape.rows, seed + 1);
    hessians = Normal<T>(shape.rows, seed + 2);
    for (T& hessian : hessians) hessian = hessian * hessian / 4;
    args.bins = bins.data(), args.node = node.data();
    args.gradients = gradients.data(), args.hessians = hessians.data();
  }

  TreeHistogramsArgs args{};
  std::vector<uint8_t> bins;
  std::vector<int32_t> node;
  std::vector<T> gradients, hessians;
};

template <typename T>
struct Histograms {
  std::vector<T> sums;
  std::vector<uint32_t> counts;
  bool operator==(const Histograms&) const = default;
};

// Runs a call over fenced memory; empty when it fails or writes where it may not.
template <typename T, class Kernel>
Histograms<T> HistogramsOf(const Kernel& kernel, TreeHistogramsArgs args, int64_t shift) {
  const int64_t cells = args.nodes * args.features * args.bin_count;
  Fenced<T> sums(2 * cells, shift);
  Fenced<uint32_t> counts(cells, shift);
  args.sums = sums.data();
  args.counts = counts.data();
  if (kernel(args) != Status::kOk || !sums.Whole() || !counts.Whole()) return {};
  return {{sums.data(), sums.data() + 2 * cells}, {counts.data(), counts.data() + cells}};
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_LEARNING_TESTING_H_
