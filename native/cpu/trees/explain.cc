// What each column adds to a prediction: path-dependent TreeSHAP, Lundberg, Erion and Lee 2018, Consistent
// individualized feature attribution for tree ensembles, algorithm 2.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/trees.h"
#include "cpu/trees/reading.h"
#include "cpu/trees/team.h"

namespace nautilus::trees {
namespace {

// A column on the way to a leaf: which part of the ways goes on where it is unknown, and where it is known (0
// or 1); and the weight of the subsets of as many columns as its place.
struct Element {
  int32_t feature;
  double zero;
  double one;
  double weight;
};

// The way so far; copies grow by one at each depth.
constexpr int64_t kPaths = (kMostDepth + 2) * (kMostDepth + 3) / 2;

void Extend(Element* path, int depth, double zero, double one, int32_t feature) {
  path[depth] = {feature, zero, one, depth == 0 ? 1.0 : 0.0};
  for (int i = depth - 1; i >= 0; --i) {
    path[i + 1].weight += one * path[i].weight * (i + 1) / (depth + 1);
    path[i].weight = zero * path[i].weight * (depth - i) / (depth + 1);
  }
}

// Takes the element at `at` out.
void Unwind(Element* path, int depth, int at) {
  const double one = path[at].one;
  const double zero = path[at].zero;
  double next = path[depth].weight;
  for (int i = depth - 1; i >= 0; --i) {
    if (one != 0) {
      const double weight = path[i].weight;
      path[i].weight = next * (depth + 1) / ((i + 1) * one);
      next = weight - path[i].weight * zero * (depth - i) / (depth + 1);
    } else {
      path[i].weight = path[i].weight * (depth + 1) / (zero * (depth - i));
    }
  }
  for (int i = at; i < depth; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
}

// The sum of the weights that Unwind would leave.
double UnwoundSum(const Element* path, int depth, int at) {
  const double one = path[at].one;
  const double zero = path[at].zero;
  double next = path[depth].weight;
  double total = 0;
  for (int i = depth - 1; i >= 0; --i) {
    if (one != 0) {
      const double weight = next * (depth + 1) / ((i + 1) * one);
      total += weight;
      next = path[i].weight - weight * zero * (depth - i) / (depth + 1);
    } else if (zero != 0) {
      total += path[i].weight / zero * (depth + 1) / (depth - i);
    }
  }
  return total;
}

// The part of a node's rows that went to a child; half where nobody was.
double PartOf(const Model& model, int32_t node, int32_t child) {
  return model.cover[node] > 0 ? model.cover[child] / model.cover[node] : 0.5;
}

class Walk {
 public:
  Walk(const Model& model, const float* row, double* parts) : model_(model), row_(row), parts_(parts) {}

  void Tree(int32_t root) { Visit(root, paths_.data(), 0, 1, 1, -1); }

 private:
  void Visit(int32_t node, Element* path, int depth, double zero, double one, int32_t feature) {
    Extend(path, depth, zero, one, feature);
    if (model_.feature[node] < 0) {
      for (int i = 1; i <= depth; ++i)
        parts_[path[i].feature] +=
            UnwoundSum(path, depth, i) * (path[i].one - path[i].zero) * model_.value[node];
      return;
    }
    const int32_t asked = model_.feature[node];
    const bool left = GoesLeft(model_, node, row_[asked]);
    double known_zero = 1;
    double known_one = 1;
    for (int i = 1; i <= depth; ++i) {
      if (path[i].feature != asked) continue;
      known_zero = path[i].zero;
      known_one = path[i].one;
      Unwind(path, depth, i);
      --depth;
      break;
    }
    for (const bool to_left : {true, false}) {
      const int32_t child = to_left ? model_.left[node] : model_.right[node];
      const double zero_part = known_zero * PartOf(model_, node, child);
      const double one_part = to_left == left ? known_one : 0;
      // Neither known nor unknown rows come here: nothing below adds anything.
      if (zero_part == 0 && one_part == 0) continue;
      Element* const next = path + depth + 1;
      std::copy(path, path + depth + 1, next);
      Visit(child, next, depth + 1, zero_part, one_part, asked);
    }
  }

  const Model& model_;
  const float* const row_;
  double* const parts_;
  std::array<Element, kPaths> paths_;
};

// The mean of a tree over the rows of its training.
double MeanOf(const Model& model, int32_t node) {
  if (model.feature[node] < 0) return model.value[node];
  const int32_t left = model.left[node];
  const int32_t right = model.right[node];
  return PartOf(model, node, left) * MeanOf(model, left) + PartOf(model, node, right) * MeanOf(model, right);
}

// Children come after their parents.
bool IsTooDeep(const Model& model) {
  std::vector<int64_t> depth(model.feature.size());
  for (size_t node = 0; node < depth.size(); ++node) {
    if (depth[node] > kMostDepth) return true;
    if (model.feature[node] < 0) continue;
    for (const int32_t child : {model.left[node], model.right[node]})
      depth[child] = std::max(depth[child], depth[node] + 1);
  }
  return false;
}

}  // namespace

Status Explain(const Model& model, std::span<const float> inputs, int threads, CancelFlag cancel,
               double* parts) {
  if (IsTooDeep(model)) return Status::kInvalidOption;
  const int64_t rows = static_cast<int64_t>(inputs.size()) / model.columns;
  const auto trees = static_cast<int64_t>(model.roots.size());
  const int64_t width = model.columns + 1;
  std::vector<double> means(model.base);
  for (int64_t tree = 0; tree < trees; ++tree)
    means[tree % model.classes] += MeanOf(model, model.roots[tree]);
  Team(threads).Run(rows, rows * trees * 5'000, [&](int64_t row, int64_t) {
    double* const to = parts + row * model.classes * width;
    std::fill_n(to, model.classes * width, 0.0);
    for (int64_t tree = 0; tree < trees; ++tree) {
      if (IsCancelled(cancel)) return;
      Walk(model, inputs.data() + row * model.columns, to + tree % model.classes * width)
          .Tree(model.roots[tree]);
    }
    for (int64_t k = 0; k < model.classes; ++k) to[k * width + model.columns] = means[k];
  });
  return IsCancelled(cancel) ? Status::kCancelled : Status::kOk;
}

}  // namespace nautilus::trees
