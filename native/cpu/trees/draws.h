// Random draws that depend on what is drawn, not on when: the same for any number of threads.
#ifndef NAUTILUS_CPU_TREES_DRAWS_H_
#define NAUTILUS_CPU_TREES_DRAWS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "cpu/random/philox.h"

namespace nautilus::trees {

// What a draw is for; no two uses share their numbers.
enum class Use : uint32_t { kRows = 1, kColumns = 2, kSplits = 3 };

class Draws {
 public:
  explicit Draws(uint64_t seed) : keys_(seed) {}

  // A number of 64 bits for the item of the group.
  uint64_t At(Use use, uint64_t group, uint32_t item) const {
    const cpu::PhiloxBlock block = cpu::Philox(
        {item, static_cast<uint32_t>(group), static_cast<uint32_t>(group >> 32), static_cast<uint32_t>(use)},
        keys_, 7);
    return uint64_t{block[0]} << 32 | block[1];
  }

  // Keeps about `share` of the marked items, at least one.
  void Keep(Use use, uint64_t group, double share, std::vector<uint8_t>& marked) const {
    if (share >= 1) return;
    std::vector<std::pair<uint64_t, size_t>> order;
    for (size_t i = 0; i < marked.size(); ++i) {
      if (marked[i] != 0) order.emplace_back(At(use, group, static_cast<uint32_t>(i)), i);
    }
    std::sort(order.begin(), order.end());
    const auto kept = std::max<int64_t>(1, std::llround(share * static_cast<double>(order.size())));
    for (size_t i = static_cast<size_t>(kept); i < order.size(); ++i) marked[order[i].second] = 0;
  }

 private:
  cpu::PhiloxKeys keys_;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_DRAWS_H_
