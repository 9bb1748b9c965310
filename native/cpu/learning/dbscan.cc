// DBSCAN: core rows, the sets that they grow into, then the rows between. The search is a grid or a k-d tree.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/learning/grid.h"
#include "cpu/learning/kd_tree.h"
#include "cpu/learning/neighbours.h"
#include "cpu/matrix/support.h"

namespace nautilus::cpu {
namespace {

template <class Index>
Status Grow(DbscanArgs& args, const Places& places, const Index& index) {
  const int64_t count = places.count;
  std::vector<uint8_t> core(count);
  index.FindCore(static_cast<double>(args.min_points), args.cancel, core.data());
  if (args.Cancelled()) return Status::kCancelled;
  Sets sets(count);
  index.JoinCore(core.data(), args.cancel, sets);
  if (args.Cancelled()) return Status::kCancelled;

  // Numbers of clusters by their first core row; `labels` by row.
  std::vector<int32_t> place_of(count);
  for (int64_t p = 0; p < count; ++p) place_of[places.order[p]] = static_cast<int32_t>(p);
  std::vector<int32_t> number(count, -1);  // of the cluster, by place
  std::vector<int32_t> of_root(count, -1);
  int32_t clusters = 0;
  for (int64_t row = 0; row < count; ++row) {
    const int32_t p = place_of[row];
    args.core[row] = core[p];
    args.labels[row] = -1;
    if (core[p] == 0) continue;
    int32_t& own = of_root[sets.Find(p)];
    if (own < 0) own = clusters++;
    args.labels[row] = number[p] = own;
  }
  // A place is written by the one thread that has its cell or range.
  index.ForBorders(core.data(), args.cancel, [&](int64_t p, int64_t q) {
    int32_t& label = args.labels[places.order[p]];
    if (label < 0 || number[q] < label) label = number[q];
  });
  if (args.Cancelled()) return Status::kCancelled;
  *args.clusters = clusters;
  return Status::kOk;
}

template <typename T>
Status DbscanOf(DbscanArgs& args) {
  const auto* values = static_cast<const T*>(args.values);
  const auto* weights = static_cast<const T*>(args.weights);
  args.detail = matrix::FirstNonFinite(values, args.rows * args.columns);
  if (args.detail < 0 && weights != nullptr) args.detail = matrix::FirstNonFinite(weights, args.rows);
  if (args.detail >= 0) return Status::kNonFinite;
  for (args.detail = 0; weights != nullptr && args.detail < args.rows; ++args.detail) {
    if (weights[args.detail] < 0) return Status::kInvalidOption;
  }
  *args.clusters = 0;
  if (args.rows == 0) return Status::kOk;
  Places places{args.rows, args.columns, std::vector<int32_t>(args.rows),
                std::vector<double>(values, values + args.rows * args.columns),
                std::vector<double>(args.rows, 1.0)};
  for (int64_t row = 0; row < args.rows; ++row) {
    places.order[row] = static_cast<int32_t>(row);
    if (weights != nullptr) places.weights[row] = static_cast<double>(weights[row]);
  }
  double extent = 0;
  for (int64_t j = 0; j < args.columns; ++j) {
    double low = places[0][j];
    double high = low;
    for (int64_t row = 1; row < args.rows; ++row) {
      low = std::min(low, places[row][j]);
      high = std::max(high, places[row][j]);
    }
    extent = std::max(extent, high - low);
  }
  if (Grid::Fits(args.columns, extent, args.eps)) return Grow(args, places, Grid(places, args.eps));
  return Grow(args, places, KdTree(places, args.eps));
}

}  // namespace

Status Dbscan(DbscanArgs& args) {
  return matrix::WithType(args.dtype, [&](auto type) { return DbscanOf<decltype(type)>(args); });
}

}  // namespace nautilus::cpu
