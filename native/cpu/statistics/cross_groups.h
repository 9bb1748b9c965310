// Groups of series under labels of the caller's choice.
#ifndef NAUTILUS_CPU_STATISTICS_CROSS_GROUPS_H_
#define NAUTILUS_CPU_STATISTICS_CROSS_GROUPS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

namespace nautilus::cpu {

// Numbers the groups from 0. Without labels all series are in one; a negative label is in none.
class Groups {
 public:
  Groups(const int32_t* labels, int64_t series) {
    if (labels == nullptr) return;
    std::vector<int32_t> known(labels, labels + series);
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
    known.erase(known.begin(), std::lower_bound(known.begin(), known.end(), 0));
    of_.resize(static_cast<size_t>(series));
    for (int64_t i = 0; i < series; ++i) {
      const auto at = std::lower_bound(known.begin(), known.end(), labels[i]) - known.begin();
      of_[static_cast<size_t>(i)] = labels[i] < 0 ? -1 : static_cast<int32_t>(at);
    }
    count_ = std::max<int64_t>(1, static_cast<int64_t>(known.size()));
  }

  int64_t count() const { return count_; }

  // The group of a series, or -1.
  int32_t Of(int64_t series) const { return of_.empty() ? 0 : of_[static_cast<size_t>(series)]; }

 private:
  std::vector<int32_t> of_;
  int64_t count_ = 1;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_STATISTICS_CROSS_GROUPS_H_
