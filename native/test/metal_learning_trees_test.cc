// Histograms of trees on Metal have the bits of the CPU in f32.
#include <cmath>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/learning_testing.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using test::TreeData;
using test::TreeShape;

auto On(Backend backend) {
  return [backend](TreeHistogramsArgs& args) { return test::On(backend, args); };
}

void CheckBits(const TreeData<float>& data, const char* what) {
  const auto found = test::HistogramsOf<float>(On(Backend::kMetal), data.args, 1);
  const auto expected = test::HistogramsOf<float>(On(Backend::kCpu), data.args, 0);
  const bool same = found == expected;
  CHECK(!expected.counts.empty() && test::Within(KernelId::kTreeHistograms, same ? 0 : 1),
        "%s: %d rows, %d features, %d nodes of %d bins", what, int(data.args.rows), int(data.args.features),
        int(data.args.nodes), int(data.args.bin_count));
}

// Tables that a group has room for, of few features and of many, and those it has not; rows of one chunk and
// of more.
constexpr TreeShape kShapes[] = {{1, 1, 1, 1},      {257, 7, 3, 16},  {1000, 9, 1, 256}, {500, 2, 40, 256},
                                 {600, 37, 3, 200}, {9000, 3, 4, 64}, {700, 5, 5, 256},  {300, 19, 8, 128},
                                 {300, 4, 1024, 1}, {300, 3, 1025, 1}};

TEST("tree_histograms on Metal has the bits of the CPU for every shape") {
  for (const TreeShape& shape : kShapes) CheckBits(TreeData<float>(shape, 3), "shape");
}

TEST("gradients of any size have the bits of the CPU") {
  for (const float size : {0x1p-140F, 0x1p-60F, 0x1p120F}) {
    TreeData<float> data({900, 3, 2, 8}, 4);
    for (float& gradient : data.gradients) gradient *= size;
    data.gradients[7] = size / 0x1p30F;
    // All of one sign and of one size: the low words carry as often as they can.
    std::fill(data.hessians.begin(), data.hessians.end(), -size);
    CheckBits(data, "size");
  }
  TreeData<float> nothing({900, 3, 2, 8}, 5);
  std::fill(nothing.gradients.begin(), nothing.gradients.end(), 0.0F);
  CheckBits(nothing, "nothing");
  for (int64_t i = 0; i < 900; ++i)
    nothing.gradients[i] = std::ldexp(i % 2 == 0 ? 1.1F : -1.7F, -static_cast<int>(i) / 8);
  CheckBits(nothing, "every size");
  for (const float largest : {std::numeric_limits<float>::max(), 0x1.8p0F, 0x1p-126F}) {
    nothing.gradients[0] = largest;
    nothing.gradients[1] = -largest;
    CheckBits(nothing, "largest");
  }
}

TEST("gradients far below the largest are rounded as on the CPU, each in a bin of its own") {
  // 256 rows: the fixed point ends 62 - 9 - 1 bits below the largest, which is below 2.
  TreeData<float> data({256, 1, 1, 256}, 6);
  std::fill(data.node.begin(), data.node.end(), 0);
  for (int i = 0; i < 256; ++i) {
    data.bins[i] = static_cast<uint8_t>(i);
    const float mantissa = 1 + static_cast<float>(i * 37 % 64) / 64;
    data.gradients[i] = std::ldexp(i % 2 == 0 ? mantissa : -mantissa, -40 - i % 16);
    data.hessians[i] = std::ldexp(1.0F, -40 - i % 16);
  }
  data.gradients[0] = data.hessians[0] = 1.5F;
  CheckBits(data, "small");
  const auto found = test::HistogramsOf<float>(On(Backend::kMetal), data.args, 0);
  CHECK(found.sums[2 * 5 + 1] == 0x1p-45F && found.sums[2 * 12 + 1] == 0x1p-52F);
  CHECK(found.sums[2 * 13 + 1] == 0x1p-52F && found.sums[2 * 14 + 1] == 0);
}

TEST("tree_histograms in many pieces has the same bits, in memory of a group and in that of the device") {
  for (const TreeShape& shape : {TreeShape{30'000, 9, 2, 30}, TreeShape{30'000, 9, 12, 200}}) {
    const TreeData<float> data(shape, 6);
    CheckBits(data, "whole");
    const test::ShortPieces pieces;
    for (int round = 0; round < 3; ++round) CheckBits(data, "pieces");
    CHECK(pieces.MoreThan(8));
  }
}

TEST("tree_histograms on Metal refuses what that of the CPU refuses") {
  TreeData<float> data({50, 2, 2, 4}, 6);
  Backend backend = Backend::kMetal;
  data.node[7] = 2;
  CHECK(Run(backend, data.args) == Status::kInvalidOption && data.args.detail == 7);
  data.gradients[3] = std::numeric_limits<float>::infinity();
  CHECK(Run(backend, data.args) == Status::kNonFinite && data.args.detail == 3);
}

}  // namespace
}  // namespace nautilus
