// Columns of numbers as columns of small integers: which of at most 255 bins each value is in.
#ifndef NAUTILUS_CPU_TREES_BINNING_H_
#define NAUTILUS_CPU_TREES_BINNING_H_

#include <cstdint>
#include <vector>

#include "core/trees.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {

// Columns whose bins lie side by side, one read of eight bytes for a row.
inline constexpr int kLanes = 8;

// How a column is cut. Bin b holds the values above thresholds[b - 1] and at most thresholds[b]; those of
// categories are the codes. A missing value has the bin after the last, and so has a code not seen before.
struct Cut {
  int64_t column = 0;
  bool category = false;
  int bins = 0;
  std::vector<float> thresholds;
};

// The columns that can be split, cut at quantiles of the rows (of 200,000 evenly spaced ones where there are
// more). Bits do not depend on threads. Writes where a category is no code to `refusal`, and is empty then.
std::vector<Cut> CutColumns(const Rows& rows, const Options& options, const Team& team, CancelFlag cancel,
                            Refusal& refusal);

// Rows in bins: tiles of kLanes columns, [tiles, rows, kLanes].
class Binned {
 public:
  Binned() = default;
  Binned(const Rows& rows, const std::vector<Cut>& cuts, const Team& team);

  int64_t rows() const { return rows_; }
  int64_t features() const { return features_; }
  int64_t tiles() const { return (features_ + kLanes - 1) / kLanes; }
  const uint8_t* Tile(int64_t tile) const { return cells_.data() + tile * rows_ * kLanes; }
  // Element row * kLanes is that of a row.
  const uint8_t* Column(int64_t feature) const { return Tile(feature / kLanes) + feature % kLanes; }

 private:
  int64_t rows_ = 0;
  int64_t features_ = 0;
  std::vector<uint8_t> cells_;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_BINNING_H_
