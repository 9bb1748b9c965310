// Histograms of gradient-boosted trees on the GPU; see native/metal/kernels/learning_trees.metal. The CPU
// checks the rows and turns the integers of the GPU into numbers.
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/learning_call.h"
#include "core/parallel.h"
#include "metal/host/device.h"
#include "metal/host/learning.h"

namespace nautilus::metal {
namespace {

// As in learning_trees.metal.
struct TreeParams {
  uint32_t rows, features, nodes, bins;
  uint32_t first = 0;
  uint32_t tile;
  uint32_t tiles;
  uint32_t shares;
  int32_t gradient_scale, hessian_scale;
};
static_assert(sizeof(TreeParams) == 10 * 4);
struct Cell {
  uint32_t gradient[2], hessian[2], count;
};
static_assert(sizeof(Cell) == 5 * 4);
constexpr uint64_t kGroup = 256;
constexpr int64_t kChunk = 4096;
constexpr int64_t kCells = 1024;
// Features of a piece whose sums go to the memory of the device.
constexpr int64_t kWideTile = 16;
constexpr int64_t kMostCells = int64_t{1} << 29;

double NumberOf(const uint32_t (&words)[2]) {
  return static_cast<double>(static_cast<int64_t>(uint64_t{words[1]} << 32 | words[0]));
}

void Write(const TreeHistogramsArgs& args, const std::vector<Cell>& cells, const cpu::TreeScales& scales) {
  const double gradient = std::ldexp(1.0, -scales.gradients);
  const double hessian = std::ldexp(1.0, -scales.hessians);
  auto* const sums = static_cast<float*>(args.sums);
  ParallelRanges(static_cast<int64_t>(cells.size()), 64 * 1024, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const Cell& cell = cells[static_cast<size_t>(i)];
      sums[2 * i] = static_cast<float>(NumberOf(cell.gradient) * gradient);
      sums[2 * i + 1] = static_cast<float>(NumberOf(cell.hessian) * hessian);
      args.counts[i] = cell.count;
    }
  });
}

}  // namespace

Status TreeHistograms(TreeHistogramsArgs& args) {
  cpu::TreeScales scales;
  const Status refused = cpu::CheckTreeRows(args, scales);
  if (refused != Status::kOk || args.nodes == 0 || args.features == 0) return refused;
  const int64_t all = args.nodes * args.features * args.bin_count;
  if (args.rows == 0 || all > kMostCells) return Status::kNoBackend;
  const int64_t room = kCells / (args.nodes * args.bin_count);
  const int64_t tile = std::min(room > 0 ? room : kWideTile, args.features);
  const int64_t tiles = (args.features + tile - 1) / tile;
  const int64_t chunks = (args.rows + kChunk - 1) / kChunk;
  if (tiles * chunks >= int64_t{1} << 31) return Status::kNoBackend;
  TreeParams p{.rows = static_cast<uint32_t>(args.rows),
               .features = static_cast<uint32_t>(args.features),
               .nodes = static_cast<uint32_t>(args.nodes),
               .bins = static_cast<uint32_t>(args.bin_count),
               .tile = static_cast<uint32_t>(tile),
               .tiles = static_cast<uint32_t>(tiles),
               .shares = room > 0,
               .gradient_scale = scales.gradients,
               .hessian_scale = scales.hessians};
  std::vector<Cell> cells(static_cast<size_t>(all));
  const auto rows = static_cast<size_t>(args.rows);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.bins, rows * static_cast<size_t>(args.features)),
                              Binding::Input(args.gradients, rows * sizeof(float)),
                              Binding::Input(args.hessians, rows * sizeof(float)),
                              Binding::Input(args.node, rows * sizeof(int32_t)),
                              Binding::Result(cells.data(), cells.size() * sizeof(Cell))};
  const Status status = Device::Get().Run(
      {.kernel = "tree_histograms_f32",
       .bindings = bindings,
       .items = static_cast<uint64_t>(tiles * chunks),
       .weight = static_cast<uint64_t>(kChunk * tile),
       .piece =
           [&p](uint64_t first, uint64_t count) {
             p.first = static_cast<uint32_t>(first);
             return Launch{.width = count * kGroup, .group_width = kGroup, .group_height = 1};
           },
       .cancel = args.cancel});
  if (status == Status::kOk) Write(args, cells, scales);
  return status;
}

}  // namespace nautilus::metal
