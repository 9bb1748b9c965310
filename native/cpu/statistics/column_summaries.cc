// Summaries of the columns of a table: counts, moments, points of the distribution, distinct values. Tiles of
// columns go over the rows once, each column is then sorted where it lies in the cache.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/statistics/distinct.h"
#include "cpu/statistics/radix.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/sorting.h"

namespace nautilus::cpu {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// Columns whose values share cache lines of a row.
constexpr int64_t kTile = 16;
// Rows that are taken from one column after the other.
constexpr int64_t kRows = 64;

template <typename T>
class Summaries {
 public:
  using Key = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

  static constexpr Key kSign = Key{1} << (sizeof(T) * 8 - 1);
  static constexpr Key kInfinity = std::bit_cast<Key>(std::numeric_limits<T>::infinity());

  explicit Summaries(ColumnSummariesArgs& args) : args_(args) {}

  Status Run() {
    const int64_t tile = std::min(kTile, args_.columns);
    Outcome outcome;
    ParallelRanges(args_.columns, kTile, [&](int64_t first, int64_t last) {
      if (args_.Cancelled()) return outcome.Cancelled();
      // The last column is what the sorting of the others goes through.
      const Scratch<Key> keys((tile + 1) * args_.rows);
      const Scratch<uint32_t> counts(kMostPasses * kDigits);
      if (!keys || !counts) return outcome.OutOfMemory();
      Gather(first, last, keys.get());
      for (int64_t column = first; column < last; ++column) {
        if (args_.Cancelled()) return outcome.Cancelled();
        Key* own = keys.get() + (column - first) * args_.rows;
        Key* spare = keys.get() + tile * args_.rows;
        Summarise(column, RadixSort(own, spare, args_.counts[3 * column], counts.get(), sorter_));
      }
    });
    return outcome.Take();
  }

 private:
  // Writes the numbers of columns [first, last) as keys of their order, each to a run of its own, and counts
  // all values.
  void Gather(int64_t first, int64_t last, Key* keys) {
    const auto* values = static_cast<const T*>(args_.values);
    const int64_t across = args_.column_major ? args_.rows : 1;
    const int64_t down = args_.column_major ? 1 : args_.columns;
    int64_t kept[kTile] = {};
    int64_t infinite[kTile] = {};
    for (int64_t from = 0; from < args_.rows; from += kRows) {
      const int64_t upto = std::min(from + kRows, args_.rows);
      for (int64_t column = first; column < last; ++column) {
        const T* at = values + column * across;
        const int64_t slot = column - first;
        Key* to = keys + slot * args_.rows;
        int64_t count = kept[slot];
        int64_t endless = 0;
        for (int64_t row = from; row < upto; ++row) {
          const T value = at[row * down];
          // Without its sign, a number is below infinity and NaN above it.
          const Key size = std::bit_cast<Key>(value) & ~kSign;
          to[count] = OrderedBits(value);
          count += size < kInfinity ? 1 : 0;
          endless += size == kInfinity ? 1 : 0;
        }
        kept[slot] = count;
        infinite[slot] += endless;
      }
    }
    for (int64_t column = first; column < last; ++column) {
      const int64_t slot = column - first;
      uint32_t* counts = args_.counts + 3 * column;
      counts[0] = static_cast<uint32_t>(kept[slot]);
      counts[1] = static_cast<uint32_t>(args_.rows - kept[slot] - infinite[slot]);
      counts[2] = static_cast<uint32_t>(infinite[slot]);
    }
  }

  // Of sorted keys.
  void Summarise(int64_t column, const Key* keys) {
    const int64_t count = args_.counts[3 * column];
    const int64_t points = args_.summary_points;
    T* out = static_cast<T*>(args_.points) + column * points;
    double* moments = args_.moments + 4 * column;
    uint8_t* registers = args_.registers + column * kDistinctRegisters;
    std::fill_n(registers, kDistinctRegisters, uint8_t{0});
    if (count == 0) {
      std::fill_n(moments, 4, kNaN);
      std::fill_n(out, points, static_cast<T>(kNaN));
      return;
    }
    if (count <= points) {
      std::transform(keys, keys + count, out, [](Key key) { return static_cast<T>(FromOrderedBits(key)); });
      std::fill(out + count, out + points, static_cast<T>(kNaN));
    } else {
      // The middle of each of `points` equal shares.
      for (int64_t i = 0; i < points; ++i) out[i] = FromOrderedBits(keys[(2 * i + 1) * count / (2 * points)]);
    }
    moments[0] = FromOrderedBits(keys[0]);
    moments[1] = FromOrderedBits(keys[count - 1]);
    Moments(keys, count, moments);
    Key before = keys[0] ^ Key { 1 };
    for (int64_t i = 0; i < count; ++i) {
      if (keys[i] != before) NoteDistinct(FromOrderedBits(keys[i]), registers);
      before = keys[i];
    }
  }

  // Mean and squared deviations from sums of differences to the median, in four lines that do not wait for
  // one another.
  static void Moments(const Key* keys, int64_t count, double* moments) {
    const double middle = FromOrderedBits(keys[count / 2]);
    const auto off = [&](int64_t i) { return static_cast<double>(FromOrderedBits(keys[i])) - middle; };
    double sum = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    double squares = 0, squares1 = 0, squares2 = 0, squares3 = 0;
    int64_t i = 0;
    for (; i + 4 <= count; i += 4) {
      const double a = off(i), b = off(i + 1), c = off(i + 2), d = off(i + 3);
      sum += a, sum1 += b, sum2 += c, sum3 += d;
      squares += a * a, squares1 += b * b, squares2 += c * c, squares3 += d * d;
    }
    for (; i < count; ++i) {
      const double a = off(i);
      sum += a;
      squares += a * a;
    }
    sum = (sum + sum1) + (sum2 + sum3);
    squares = (squares + squares1) + (squares2 + squares3);
    const double shift = sum / static_cast<double>(count);
    moments[2] = middle + shift;
    moments[3] = std::max(0.0, squares - sum * shift);
  }

  ColumnSummariesArgs& args_;
  const FastSorter sorter_;
};

}  // namespace

Status ColumnSummaries(ColumnSummariesArgs& args) {
  return args.dtype == Dtype::kF64 ? Summaries<double>(args).Run() : Summaries<float>(args).Run();
}

}  // namespace nautilus::cpu
