// Growing one tree on rows in bins.
#ifndef NAUTILUS_CPU_TREES_GROWER_H_
#define NAUTILUS_CPU_TREES_GROWER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/trees.h"
#include "cpu/trees/binning.h"
#include "cpu/trees/split.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {

// A node of a tree in bins. Leaves have no feature; children are places in the tree.
struct Grown {
  Split split;
  Sums sums;
  double value = 0;  // as a leaf, before the learning rate
  int32_t left = -1;
  int32_t right = -1;
  int depth = 0;
  Bounds bounds;
  // Its rows in the list of the grower.
  int64_t first = 0;
  int64_t last = 0;
};

using GrownTree = std::vector<Grown>;

// The gradients of one tree. `hessians` is null where all are 1; `rows` are those that take part, ascending,
// null for all of them.
struct Gradients {
  const float* gradients;
  const float* hessians;
  const uint32_t* rows;
  int64_t count;
};

// Which columns a tree may use, and what tells its draws from those of others.
struct Draw {
  const std::vector<uint8_t>* allowed;  // of each feature
  uint64_t tree;
};

// Grows trees over the same rows; memory stays from tree to tree.
class Grower {
 public:
  Grower(const Binned& binned, const std::vector<Cut>& cuts, const Options& options, const Team& team);
  ~Grower();

  // Returns kNonFinite where a gradient is no number. The tree's rows stay listed until the next one.
  Status Grow(const Gradients& gradients, const Draw& draw, CancelFlag cancel, GrownTree& tree);

  // The rows of a node of the tree that was grown last.
  std::span<const uint32_t> RowsOf(const Grown& node) const;

  template <class Kind>
  class Run;
  struct Memory;

 private:
  std::unique_ptr<Memory> memory_;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_GROWER_H_
