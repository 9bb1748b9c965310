// Rows for searches by distance, in an order in which neighbours are near in memory, and sets of rows that
// grow together.
#ifndef NAUTILUS_CPU_LEARNING_NEIGHBOURS_H_
#define NAUTILUS_CPU_LEARNING_NEIGHBOURS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace nautilus::cpu {

// Places are what searches count rows by: place p holds row order[p].
struct Places {
  int64_t count = 0;
  int64_t columns = 0;
  std::vector<int32_t> order;   // [count]
  std::vector<double> values;   // [count, columns]
  std::vector<double> weights;  // [count]

  const double* operator[](int64_t place) const { return values.data() + place * columns; }
};

// Sums in the order of the columns, so that a bound of a box never rounds past a distance in it.
inline double SquaredDistance(const double* a, const double* b, int64_t columns) {
  double sum = 0;
  for (int64_t j = 0; j < columns; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

// Disjoint sets of places. Threads may join and look up at once: what is in one set in the end does not
// depend on their order.
class Sets {
 public:
  explicit Sets(int64_t count) : parents_(std::make_unique<std::atomic<int32_t>[]>(count)) {
    for (int64_t i = 0; i < count; ++i) parents_[i].store(static_cast<int32_t>(i), std::memory_order_relaxed);
  }

  int32_t Find(int32_t place) {
    for (;;) {
      int32_t parent = parents_[place].load(std::memory_order_relaxed);
      if (parent == place) return place;
      const int32_t above = parents_[parent].load(std::memory_order_relaxed);
      if (above != parent) parents_[place].compare_exchange_weak(parent, above, std::memory_order_relaxed);
      place = above;
    }
  }

  // The larger root goes below the smaller one: parents only ever fall, so there is no cycle.
  void Join(int32_t a, int32_t b) {
    for (;;) {
      a = Find(a);
      b = Find(b);
      if (a == b) return;
      if (a < b) std::swap(a, b);
      int32_t expected = a;
      if (parents_[a].compare_exchange_strong(expected, b, std::memory_order_relaxed)) return;
    }
  }

 private:
  std::unique_ptr<std::atomic<int32_t>[]> parents_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_LEARNING_NEIGHBOURS_H_
