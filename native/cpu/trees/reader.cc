// Reading trees: sums of rows of numbers.
#include <cmath>

#include "core/trees.h"
#include "cpu/trees/reading.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {

Status Predict(const Model& model, std::span<const float> inputs, int threads, float* sums) {
  const int64_t rows = static_cast<int64_t>(inputs.size()) / model.columns;
  const auto trees = static_cast<int64_t>(model.roots.size());
  Team(threads).Run((rows + 255) / 256, rows * trees * 20, [&](int64_t block, int64_t) {
    for (int64_t row = block * 256; row < std::min(rows, (block + 1) * 256); ++row) {
      const float* const values = inputs.data() + row * model.columns;
      float* const to = sums + row * model.classes;
      std::fill_n(to, model.classes, 0.0f);
      // Exact: the values are multiples of one unit, see Trainer.
      for (int64_t tree = 0; tree < trees; ++tree)
        to[tree % model.classes] += model.value[LeafOf(model, model.roots[tree], values)];
      for (int64_t k = 0; k < model.classes; ++k) to[k] += static_cast<float>(model.base[k]);
    }
  });
  return Status::kOk;
}

}  // namespace nautilus::trees
