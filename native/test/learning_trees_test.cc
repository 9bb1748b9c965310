// Histograms of trees against textbook loops, and what they promise of order, threads and sizes.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "core/learning_call.h"
#include "core/parallel.h"
#include "cpu/learning/reference.h"
#include "test/check.h"
#include "test/learning_testing.h"

namespace nautilus {
namespace {

using test::TreeData;
using test::TreeShape;

constexpr TreeShape kShapes[] = {{1, 1, 1, 1},      {0, 3, 2, 4},      {100, 7, 3, 16},    {1000, 33, 1, 256},
                                 {500, 5, 40, 256}, {3000, 70, 2, 64}, {300'000, 3, 2, 20}};

template <typename T>
void CheckShape(const TreeShape& shape, int64_t shift) {
  const TreeData<T> data(shape, 3);
  const auto found = test::HistogramsOf<T>(cpu::TreeHistograms, data.args, shift);
  const auto expected = test::HistogramsOf<T>(cpu::reference::TreeHistograms, data.args, 0);
  CHECK(found.counts == expected.counts, "%d rows", int(shape.rows));
  const KernelRow& row = KernelTable()[static_cast<size_t>(KernelId::kTreeHistograms)];
  const double allowed = sizeof(T) == 8 ? row.tolerance_f64 : row.tolerance_f32;
  double largest[2] = {};
  for (const T g : data.gradients) largest[0] = std::max(largest[0], std::abs(double(g)));
  for (const T h : data.hessians) largest[1] = std::max(largest[1], std::abs(double(h)));
  for (size_t i = 0; i < found.sums.size(); ++i) {
    const double far = std::abs(double(found.sums[i]) - double(expected.sums[i]));
    const double scale = std::max(1u, found.counts[i / 2]) * largest[i % 2];
    CHECK(far <= allowed * scale, "%d rows: %g of %g", int(shape.rows), far, scale);
  }
}

TEST("tree_histograms agrees with the textbook for every shape, alignment and element type") {
  for (const TreeShape& shape : kShapes) {
    CheckShape<double>(shape, 1);
    CheckShape<float>(shape, 3);
  }
}

TEST("tree_histograms has the same bits on any number of threads, in f32 also in any order of rows") {
  const TreeShape shape{300'000, 3, 2, 20};
  const int threads = KernelThreads();
  const TreeData<double> wide(shape, 4);
  TreeData<float> data(shape, 4);
  const auto first_wide = test::HistogramsOf<double>(cpu::TreeHistograms, wide.args, 0);
  const auto first = test::HistogramsOf<float>(cpu::TreeHistograms, data.args, 0);
  CHECK(!first.counts.empty() && !first_wide.counts.empty());
  for (const int count : {1, 2, 5}) {
    SetKernelThreads(count);
    CHECK(test::HistogramsOf<double>(cpu::TreeHistograms, wide.args, 0) == first_wide, "%d threads", count);
    CHECK(test::HistogramsOf<float>(cpu::TreeHistograms, data.args, 0) == first, "%d threads", count);
  }
  SetKernelThreads(threads);
  for (int64_t from = 0, to = shape.rows - 1; from < to; from += 3, to -= 5) {
    std::swap(data.gradients[from], data.gradients[to]);
    std::swap(data.hessians[from], data.hessians[to]);
    std::swap(data.node[from], data.node[to]);
    std::swap_ranges(data.bins.begin() + from * 3, data.bins.begin() + from * 3 + 3,
                     data.bins.begin() + to * 3);
  }
  CHECK(test::HistogramsOf<float>(cpu::TreeHistograms, data.args, 0) == first);
}

TEST("fixed point rounds to the nearest, halves away from 0, and keeps what fits") {
  CHECK(cpu::FixedOf(1.5F, 0) == 2 && cpu::FixedOf(-1.5F, 0) == -2 && cpu::FixedOf(1.25F, 0) == 1);
  CHECK(cpu::FixedOf(0.5F, 0) == 1 && cpu::FixedOf(-0.49F, 0) == 0 && cpu::FixedOf(0, 40) == 0);
  CHECK(cpu::FixedOf(3, 40) == int64_t{3} << 40 && cpu::FixedOf(-0.75F, 2) == -3);
  CHECK(cpu::FixedOf(0x1p-149F, 149) == 1 && cpu::FixedOf(0x1p-149F, 148) == 1);
  CHECK(cpu::FixedOf(0x1.fffffep-1F, -1) == 0 && cpu::FixedOf(1, -1) == 1 && cpu::FixedOf(1e-30F, 0) == 0);
  CHECK(cpu::FixedOf(0x1.fffffep127F, -66) == int64_t{0xFFFFFF} << 38);
}

TEST("sums of gradients of any size are exact where f32 is") {
  for (const float size : {0x1p-149F, 0x1p-60F, 1.0F, 0x1p100F}) {
    TreeData<float> data({4000, 1, 1, 1}, 5);
    std::fill(data.bins.begin(), data.bins.end(), uint8_t{0});
    std::fill(data.node.begin(), data.node.end(), 0);
    for (int64_t i = 0; i < 4000; ++i) {
      data.gradients[i] = static_cast<float>(i % 2 == 0 ? i : -i + 3) * size;
      data.hessians[i] = size;
    }
    const auto found = test::HistogramsOf<float>(cpu::TreeHistograms, data.args, 0);
    CHECK(found.sums[0] == 4000 * size && found.sums[1] == 4000 * size && found.counts[0] == 4000);
  }
}

TEST("tree_histograms refuses what is not finite and nodes beyond the last, and names the row") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    TreeData<double> data({70'000, 2, 2, 4}, 6);
    TreeData<float> narrow({70'000, 2, 2, 4}, 6);
    data.gradients[69'000] = bad;
    narrow.hessians[3] = static_cast<float>(bad);
    CHECK(cpu::TreeHistograms(data.args) == Status::kNonFinite && data.args.detail == 69'000);
    CHECK(cpu::TreeHistograms(narrow.args) == Status::kNonFinite && narrow.args.detail == 3);
  }
  TreeData<double> data({50, 2, 2, 4}, 6);
  data.node[7] = 2;
  CHECK(cpu::TreeHistograms(data.args) == Status::kInvalidOption && data.args.detail == 7);
}

TEST("tree_histograms stops when it is cancelled") {
  const std::atomic<uint32_t> cancelled{1};
  TreeData<float> data({50, 2, 2, 4}, 6);
  data.args.cancel = &cancelled;
  std::vector<float> sums(2 * 2 * 2 * 4);
  std::vector<uint32_t> counts(2 * 2 * 4);
  data.args.sums = sums.data();
  data.args.counts = counts.data();
  CHECK(cpu::TreeHistograms(data.args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
