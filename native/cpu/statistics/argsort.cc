// The order of the values of a row, as indices: pieces are sorted on several threads and merged.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/sorting.h"

namespace nautilus::cpu {
namespace {

// Keys order by value, upwards or downwards, then by index; NaN comes last either way.
Placed MakeKey(double value, int64_t index, bool descending) {
  Placed key;
  key.lo = static_cast<uint64_t>(index);
  key.hi = value != value ? ~uint64_t{0} : descending ? ~OrderedBits(value) : OrderedBits(value);
  return key;
}

uint64_t MakeKey(float value, int64_t index, bool descending) {
  if (value != value) return uint64_t{0xffffffff} << 32 | static_cast<uint64_t>(index);
  const uint64_t key = PackPlaced(value, 0) >> 32;
  return (descending ? key ^ 0xffffffff : key) << 32 | static_cast<uint64_t>(index);
}

uint32_t IndexOf(const Placed& key) { return static_cast<uint32_t>(key.lo); }
uint32_t IndexOf(uint64_t key) { return static_cast<uint32_t>(key); }

template <typename T>
using KeyOf = std::conditional_t<sizeof(T) == 8, Placed, uint64_t>;

constexpr int64_t kPiece = 64 * 1024;

// Merges two sorted neighbours in pieces of the output that do not depend on one another: where a piece
// begins in both inputs is found by bisection.
template <typename Key>
void MergeNeighbours(const Key* a, int64_t na, const Key* b, int64_t nb, Key* to) {
  const auto split = [&](int64_t out) {  // how many of the first `out` come from a
    int64_t low = std::max<int64_t>(0, out - nb);
    int64_t high = std::min(out, na);
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      Before(a[middle], b[out - middle - 1]) ? low = middle + 1 : high = middle;
    }
    return low;
  };
  ParallelRanges(na + nb, kPiece, [&](int64_t first, int64_t last) {
    const int64_t from = split(first);
    const int64_t upto = split(last);
    std::merge(a + from, a + upto, b + (first - from), b + (last - upto), to + first,
               [](const Key& one, const Key& other) { return Before(one, other); });
  });
}

// Sorts one long row with all threads; `other` is of the same length. Returns which of both holds the result.
template <typename Key>
Key* SortLong(Key* keys, Key* other, int64_t count, CancelFlag cancel, Outcome& outcome) {
  ParallelRanges(count, kPiece, [&](int64_t first, int64_t last) {
    if (IsCancelled(cancel)) return outcome.Cancelled();
    FastSorter()(keys + first, last - first);
  });
  for (int64_t width = kPiece; width < count; width *= 2) {
    for (int64_t first = 0; first < count; first += 2 * width) {
      const int64_t middle = std::min(first + width, count);
      const int64_t last = std::min(first + 2 * width, count);
      MergeNeighbours(keys + first, middle - first, keys + middle, last - middle, other + first);
    }
    std::swap(keys, other);
    if (IsCancelled(cancel)) outcome.Cancelled();
  }
  return keys;
}

template <typename T>
void SortRows(const ArgsortArgs& args, Outcome& outcome) {
  using Key = KeyOf<T>;
  const auto* values = static_cast<const T*>(args.values);
  const int64_t count = args.count;
  if (count <= 4 * kPiece) {
    ParallelRanges(args.rows, std::max<int64_t>(1, 8192 / std::max<int64_t>(count, 1)),
                   [&](int64_t first, int64_t last) {
                     if (args.Cancelled()) return outcome.Cancelled();
                     const Scratch<Key> keys(count);
                     if (!keys) return outcome.OutOfMemory();
                     const FastSorter sort;
                     for (int64_t row = first; row < last; ++row) {
                       for (int64_t i = 0; i < count; ++i)
                         keys[i] = MakeKey(values[row * count + i], i, args.descending);
                       sort(keys.get(), count);
                       for (int64_t i = 0; i < count; ++i) args.out[row * count + i] = IndexOf(keys[i]);
                     }
                   });
    return;
  }
  const Scratch<Key> keys(count);
  const Scratch<Key> other(count);
  if (!keys || !other) return outcome.OutOfMemory();
  for (int64_t row = 0; row < args.rows; ++row) {
    if (args.Cancelled()) return outcome.Cancelled();
    const T* from = values + row * count;
    ParallelRanges(count, kPiece, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) keys[i] = MakeKey(from[i], i, args.descending);
    });
    const Key* sorted = SortLong(keys.get(), other.get(), count, args.cancel, outcome);
    ParallelRanges(count, kPiece, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) args.out[row * count + i] = IndexOf(sorted[i]);
    });
  }
}

}  // namespace

Status Argsort(ArgsortArgs& args) {
  Outcome outcome;
  args.dtype == Dtype::kF64 ? SortRows<double>(args, outcome) : SortRows<float>(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
