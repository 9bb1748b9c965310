// Order statistics along each row of a panel: ranks, and values clipped at quantiles.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernel_args.h"
#include "core/kernel_table.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/sorting.h"

namespace nautilus::cpu {
namespace {

constexpr int64_t kRowsElements = 8 * 1024;

int64_t RowGrain(int64_t width) { return std::max<int64_t>(1, kRowsElements / std::max<int64_t>(1, width)); }

// How a row of T is sorted with the places of its values.
template <typename T>
struct Sortable;

template <>
struct Sortable<double> {
  using Key = Placed;
  static Key Make(double value, int64_t place) { return MakePlaced(value, static_cast<uint64_t>(place)); }
  static int64_t Place(const Key& key) { return static_cast<int64_t>(key.lo); }
  static bool Same(const Key& a, const Key& b) { return a.hi == b.hi; }
};

template <>
struct Sortable<float> {
  using Key = uint64_t;
  static Key Make(float value, int64_t place) { return PackPlaced(value, static_cast<uint32_t>(place)); }
  static int64_t Place(Key key) { return static_cast<int64_t>(key & 0xffffffff); }
  static bool Same(Key a, Key b) { return (a >> 32) == (b >> 32); }
};

template <typename T>
void RankRow(const CrossRankArgs& args, const FastSorter& sort, typename Sortable<T>::Key* keys, const T* row,
             T* out) {
  using Ties = CrossRankArgs::Ties;
  using Sort = Sortable<T>;
  int64_t count = 0;
  for (int64_t i = 0; i < args.series; ++i) {
    out[i] = std::numeric_limits<T>::quiet_NaN();
    if (row[i] == row[i]) keys[count++] = Sort::Make(row[i], i);
  }
  sort(keys, count);
  const auto all = static_cast<double>(count);
  for (int64_t first = 0; first < count;) {
    int64_t end = first + 1;
    while (end < count && Sort::Same(keys[first], keys[end])) ++end;
    const auto lowest = static_cast<double>(first + 1);
    const auto highest = static_cast<double>(end);
    for (int64_t at = first; at < end; ++at) {
      double rank = static_cast<double>(at + 1);
      if (args.ties == Ties::kAverage) rank = (lowest + highest) / 2;
      if (args.ties == Ties::kMin) rank = lowest;
      if (args.ties == Ties::kMax) rank = highest;
      out[Sort::Place(keys[at])] = static_cast<T>(args.percent ? rank / all : rank);
    }
    first = end;
  }
}

template <typename T>
void RankRows(const CrossRankArgs& args, Outcome& outcome) {
  ParallelRanges(args.bars, RowGrain(args.series), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    const Scratch<typename Sortable<T>::Key> keys(args.series);
    if (!keys) return outcome.OutOfMemory();
    const FastSorter sort;
    for (int64_t bar = first; bar < last; ++bar) {
      RankRow(args, sort, keys.get(), static_cast<const T*>(args.values) + bar * args.series,
              static_cast<T*>(args.out) + bar * args.series);
    }
  });
}

template <typename T>
void ClipRows(const CrossWinsoriseArgs& args, Outcome& outcome) {
  ParallelRanges(args.bars, RowGrain(args.series), [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return outcome.Cancelled();
    const Scratch<uint64_t> keys(args.series);
    if (!keys) return outcome.OutOfMemory();
    const FastSorter sort;
    for (int64_t bar = first; bar < last; ++bar) {
      const T* row = static_cast<const T*>(args.values) + bar * args.series;
      T* out = static_cast<T*>(args.out) + bar * args.series;
      int64_t count = 0;
      for (int64_t i = 0; i < args.series; ++i) {
        // As f64, in which quantiles are taken.
        if (std::isfinite(row[i])) keys[count++] = OrderedBits(static_cast<double>(row[i]));
      }
      if (count > 0) sort(keys.get(), count);
      const double low = count > 0 ? SortedQuantile(keys.get(), count, args.lower) : 0;
      const double high = count > 0 ? SortedQuantile(keys.get(), count, args.upper) : 0;
      for (int64_t i = 0; i < args.series; ++i) {
        const double value = row[i];
        const double clipped = value < low ? low : value > high ? high : value;
        out[i] = std::isfinite(value) ? static_cast<T>(clipped) : std::numeric_limits<T>::quiet_NaN();
      }
    }
  });
}

}  // namespace

Status CrossRank(CrossRankArgs& args) {
  Outcome outcome;
  args.dtype == Dtype::kF64 ? RankRows<double>(args, outcome) : RankRows<float>(args, outcome);
  return outcome.Take();
}

Status CrossWinsorise(CrossWinsoriseArgs& args) {
  if (args.lower > args.upper) return Status::kInvalidOption;
  Outcome outcome;
  args.dtype == Dtype::kF64 ? ClipRows<double>(args, outcome) : ClipRows<float>(args, outcome);
  return outcome.Take();
}

}  // namespace nautilus::cpu
