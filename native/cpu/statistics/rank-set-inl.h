// A set of integers in [0, size) that counts and selects in O(log size). Include inside foreach_target:
// counting bits is one instruction on the newer targets.
#if defined(NAUTILUS_CPU_STATISTICS_RANK_SET_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_RANK_SET_INL_H_
#undef NAUTILUS_CPU_STATISTICS_RANK_SET_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_RANK_SET_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// One bit per integer, and a Fenwick tree over the counts of words of 64 bits (Fenwick 1994). Memory is the
// caller's: Words(size) of each.
class RankSet {
 public:
  static int64_t Words(int64_t size) { return size / 64 + 1; }

  RankSet(uint64_t* words, int32_t* tree) : words_(words), tree_(tree) {}

  void Clear(int64_t size) {
    count_ = Words(size);
    std::fill_n(words_, count_, 0);
    std::fill_n(tree_, count_, 0);
    top_ = std::bit_floor(static_cast<uint64_t>(count_));
    total_ = 0;
  }

  // Before the first Finish.
  HWY_INLINE void Put(uint32_t at) {
    words_[at / 64] |= uint64_t{1} << (at % 64);
    ++tree_[at / 64];
    ++total_;
  }

  // Makes the tree of what was Put.
  void Finish() {
    for (int64_t node = 1; node <= count_; ++node) {
      const int64_t parent = node + (node & -node);
      if (parent <= count_) tree_[parent - 1] += tree_[node - 1];
    }
  }

  HWY_INLINE void Insert(uint32_t at) {
    words_[at / 64] |= uint64_t{1} << (at % 64);
    Change(at, 1);
  }

  HWY_INLINE void Erase(uint32_t at) {
    words_[at / 64] &= ~(uint64_t{1} << (at % 64));
    Change(at, -1);
  }

  int64_t size() const { return total_; }

  // Members below `at`.
  HWY_INLINE int64_t Below(uint32_t at) const {
    int64_t sum = std::popcount(words_[at / 64] & ((uint64_t{1} << (at % 64)) - 1));
    for (int64_t node = at / 64; node > 0; node &= node - 1) sum += tree_[node - 1];
    return sum;
  }

  // The member that has `rank` members below it; rank < size().
  HWY_INLINE uint32_t Select(int64_t rank) const {
    int64_t word = 0;
    auto rest = static_cast<int32_t>(rank);
    for (int64_t step = top_; step > 0; step /= 2) {
      const int64_t next = word + step;
      if (next <= count_ && tree_[next - 1] <= rest) {
        word = next;
        rest -= tree_[next - 1];
      }
    }
    return static_cast<uint32_t>(word * 64 + SelectBit(words_[word], rest));
  }

  // The smallest member above `at`; there is one.
  HWY_INLINE uint32_t Next(uint32_t at) const {
    const uint64_t rest = words_[at / 64] & (~uint64_t{1} << (at % 64));
    if (rest != 0) return at / 64 * 64 + static_cast<uint32_t>(std::countr_zero(rest));
    return Select(Below(at) + 1);  // words may be empty for long, the tree jumps over them
  }

 private:
  HWY_INLINE void Change(uint32_t at, int32_t by) {
    total_ += by;
    for (int64_t node = at / 64 + 1; node <= count_; node += node & -node) tree_[node - 1] += by;
  }

  // The place of the set bit that has `rank` set bits below it.
  static HWY_INLINE int SelectBit(uint64_t word, int rank) {
    int place = 0;
    for (int width = 32; width > 0; width /= 2) {
      const int low = std::popcount(word & ((uint64_t{1} << width) - 1));
      const bool above = low <= rank;
      place += above ? width : 0;
      rank -= above ? low : 0;
      word >>= above ? width : 0;
    }
    return place;
  }

  uint64_t* words_;
  int32_t* tree_;
  int64_t count_ = 0;
  int64_t top_ = 0;
  int64_t total_ = 0;
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_RANK_SET_INL_H_
