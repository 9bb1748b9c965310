// Textbook loops of the histograms of trees: row after row, in double precision.
#include <algorithm>
#include <vector>

#include "cpu/learning/reference.h"

namespace nautilus::cpu::reference {
namespace {

template <typename T>
Status TreeHistogramsOf(TreeHistogramsArgs& args) {
  const int64_t cells = args.nodes * args.features * args.bin_count;
  std::vector<double> sums(2 * cells);
  std::fill_n(args.counts, cells, 0u);
  for (int64_t row = 0; row < args.rows; ++row) {
    for (int64_t feature = 0; feature < args.features; ++feature) {
      const int64_t bin = args.bins[row * args.features + feature];
      if (args.node[row] < 0 || bin >= args.bin_count) continue;
      const int64_t cell = (args.node[row] * args.features + feature) * args.bin_count + bin;
      sums[2 * cell] += static_cast<const T*>(args.gradients)[row];
      sums[2 * cell + 1] += static_cast<const T*>(args.hessians)[row];
      ++args.counts[cell];
    }
  }
  std::transform(sums.begin(), sums.end(), static_cast<T*>(args.sums),
                 [](double sum) { return static_cast<T>(sum); });
  return Status::kOk;
}

}  // namespace

Status TreeHistograms(TreeHistogramsArgs& args) {
  return args.dtype == Dtype::kF64 ? TreeHistogramsOf<double>(args) : TreeHistogramsOf<float>(args);
}

}  // namespace nautilus::cpu::reference
