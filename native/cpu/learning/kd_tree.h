// A k-d tree with the boxes of its nodes, for searches within eps in any number of columns.
#ifndef NAUTILUS_CPU_LEARNING_KD_TREE_H_
#define NAUTILUS_CPU_LEARNING_KD_TREE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/kernel_call.h"
#include "core/parallel.h"
#include "cpu/learning/neighbours.h"

namespace nautilus::cpu {

class KdTree {
 public:
  // Puts the rows of `places` into the order of the leaves.
  KdTree(Places& places, double eps) : places_(places), square_(eps * eps) {
    std::vector<int32_t> turn(places.count);
    for (int64_t p = 0; p < places.count; ++p) turn[p] = static_cast<int32_t>(p);
    if (places.count > 0) Split(turn, 0, places.count);
    Places sorted{places.count, places.columns, std::vector<int32_t>(places.count),
                  std::vector<double>(places.count * places.columns), std::vector<double>(places.count)};
    for (int64_t p = 0; p < places.count; ++p) {
      sorted.order[p] = places.order[turn[p]];
      sorted.weights[p] = places.weights[turn[p]];
      std::copy_n(places[turn[p]], places.columns, sorted.values.data() + p * places.columns);
    }
    places = std::move(sorted);
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
      for (int64_t p = node->first; p < node->last; ++p) node->weight += places.weights[p];
    }
  }

  // Writes which places are core.
  void FindCore(double least, CancelFlag cancel, uint8_t* core) const {
    ForPlaces(cancel, [&](int64_t p, std::vector<int32_t>& stack) {
      double sum = 0;
      Search(p, stack, [&](const Node& node, bool inside) {
        if (inside) {
          sum += node.weight;
        } else {
          for (int64_t q = node.first; q < node.last; ++q) {
            if (Near(p, q)) sum += places_.weights[q];
          }
        }
        return sum < least;
      });
      core[p] = sum >= least ? 1 : 0;
    });
  }

  // Joins core places within eps of each other.
  void JoinCore(const uint8_t* core, CancelFlag cancel, Sets& sets) const {
    // A core place of each node of which one search has joined all, so that the next needs to join that one
    // only: many equal rows would take the square of their number.
    std::vector<std::atomic<int32_t>> joined(nodes_.size());
    for (auto& one : joined) one.store(-1, std::memory_order_relaxed);
    ForPlaces(cancel, [&](int64_t p, std::vector<int32_t>& stack) {
      if (core[p] == 0) return;
      const auto join = [&](int64_t q) { sets.Join(static_cast<int32_t>(p), static_cast<int32_t>(q)); };
      Search(p, stack, [&](const Node& node, bool inside) {
        std::atomic<int32_t>& known = joined[&node - nodes_.data()];
        const int32_t one = inside ? known.load(std::memory_order_acquire) : -1;
        if (one >= 0) {
          join(one);
          return true;
        }
        // Of pairs one by one the other half is seen from the other place.
        int32_t last = -1;
        for (int64_t q = inside ? node.first : std::max(node.first, p + 1); q < node.last; ++q) {
          if (core[q] == 0 || !(inside || Near(p, q))) continue;
          join(q);
          last = static_cast<int32_t>(q);
        }
        if (inside) known.store(last, std::memory_order_release);
        return true;
      });
    });
  }

  // Calls found(place, core place) for each core place within eps of one that is none.
  template <class Found>
  void ForBorders(const uint8_t* core, CancelFlag cancel, const Found& found) const {
    ForPlaces(cancel, [&](int64_t p, std::vector<int32_t>& stack) {
      if (core[p] != 0) return;
      Search(p, stack, [&](const Node& node, bool inside) {
        for (int64_t q = node.first; q < node.last; ++q) {
          if (core[q] != 0 && (inside || Near(p, q))) found(p, q);
        }
        return true;
      });
    });
  }

 private:
  static constexpr int64_t kLeaf = 16;

  struct Node {
    int64_t first, last;
    int32_t right = -1;  // the left child follows at once; -1 for leaves
    double weight = 0;
  };

  bool Near(int64_t p, int64_t q) const {
    return SquaredDistance(places_[p], places_[q], places_.columns) <= square_;
  }

  // Depth is at most 32: a split halves the rows.
  void Split(std::vector<int32_t>& turn, int64_t first, int64_t last) {
    const int64_t columns = places_.columns;
    const auto self = static_cast<int64_t>(nodes_.size());
    nodes_.push_back({first, last});
    const size_t box = boxes_.size();
    boxes_.insert(boxes_.end(), places_[turn[first]], places_[turn[first]] + columns);
    boxes_.insert(boxes_.end(), places_[turn[first]], places_[turn[first]] + columns);
    int64_t widest = 0;
    double width = -1;
    for (int64_t j = 0; j < columns; ++j) {
      double& low = boxes_[box + j];
      double& high = boxes_[box + columns + j];
      for (int64_t p = first; p < last; ++p) {
        const double value = places_[turn[p]][j];
        low = std::min(low, value);
        high = std::max(high, value);
      }
      if (high - low > width) widest = j, width = high - low;
    }
    if (last - first <= kLeaf || !(width > 0)) return;
    const int64_t middle = first + (last - first) / 2;
    std::nth_element(turn.begin() + first, turn.begin() + middle, turn.begin() + last,
                     [&](int32_t a, int32_t b) {
                       const double x = places_[a][widest];
                       const double y = places_[b][widest];
                       return x < y || (x == y && a < b);
                     });
    Split(turn, first, middle);
    nodes_[self].right = static_cast<int32_t>(nodes_.size());
    Split(turn, middle, last);
  }

  template <class Body>
  void ForPlaces(CancelFlag cancel, const Body& body) const {
    ParallelRanges(places_.count, 512, [&](int64_t first, int64_t last) {
      std::vector<int32_t> stack;
      for (int64_t p = first; p < last; ++p) {
        if (p % 64 == 0 && IsCancelled(cancel)) return;
        body(p, stack);
      }
    });
  }

  // Calls visit(node, inside) for leaves that may hold places within eps of p, and for nodes that hold no
  // others (inside), until it returns false.
  template <class Visit>
  void Search(int64_t p, std::vector<int32_t>& stack, const Visit& visit) const {
    const int64_t columns = places_.columns;
    const double* x = places_[p];
    stack.assign(1, 0);
    while (!stack.empty()) {
      const int32_t at = stack.back();
      stack.pop_back();
      const double* low = boxes_.data() + 2 * columns * at;
      const double* high = low + columns;
      double least = 0;
      double most = 0;
      for (int64_t j = 0; j < columns; ++j) {
        const double below = low[j] - x[j];
        const double above = x[j] - high[j];
        const double gap = std::max({below, above, 0.0});
        const double far = std::max(x[j] - low[j], high[j] - x[j]);
        least += gap * gap;
        most += far * far;
      }
      if (least > square_) continue;
      const Node& node = nodes_[at];
      const bool inside = most <= square_;
      if (inside || node.right < 0) {
        if (!visit(node, inside)) return;
        continue;
      }
      stack.push_back(node.right);
      stack.push_back(at + 1);
    }
  }

  const Places& places_;
  const double square_;
  std::vector<Node> nodes_;
  std::vector<double> boxes_;  // [nodes, 2, columns]: lowest, then highest values
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_LEARNING_KD_TREE_H_
