// The way of a row through a tree.
#ifndef NAUTILUS_CPU_TREES_READING_H_
#define NAUTILUS_CPU_TREES_READING_H_

#include <cmath>
#include <cstdint>

#include "core/trees.h"

namespace nautilus::trees {

// Whether a value goes left at a node with a feature.
inline bool GoesLeft(const Model& model, int32_t node, float value) {
  if (model.set[node] >= 0) {
    if (!(value >= 0 && value < kMostBins) || value != std::floor(value)) return false;
    const auto code = static_cast<uint32_t>(value);
    return (model.sets[model.set[node] + (code >> 5)] >> (code & 31) & 1) != 0;
  }
  return std::isnan(value) ? model.missing_left[node] != 0 : value <= model.threshold[node];
}

// The leaf of a row.
inline int32_t LeafOf(const Model& model, int32_t node, const float* row) {
  while (model.feature[node] >= 0)
    node = GoesLeft(model, node, row[model.feature[node]]) ? model.left[node] : model.right[node];
  return node;
}

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_READING_H_
