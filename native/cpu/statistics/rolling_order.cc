// Rolling quantile and rank in O(log window) a bar.
//
// Time is cut into blocks as long as the window, as in window-inl.h. The values of two neighbouring blocks
// are sorted once; what slides is then a set of ranks. Sorting a block and merging it with the one before
// costs O(log window) a bar, and so do inserting, erasing, counting and selecting.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/statistics/rolling_order.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "core/status.h"
#include "cpu/statistics/rank-set-inl.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/sorting.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();
constexpr uint32_t kNoRank = ~uint32_t{0};

// What the two answers need to know of one bar: `set` holds the window, `values` are sorted and start at rank
// 0.
struct OrderView {
  const RankSet& set;
  const Placed* values;
  int64_t ranks;
  uint32_t newest;  // rank of the newest value, or kNoRank
};

struct QuantileAnswer {
  using Method = RollingQuantileArgs::Method;
  double need, probability;
  Method method;

  HWY_INLINE double operator()(const OrderView& view) const {
    const int64_t n = view.set.size();
    if (n == 0 || static_cast<double>(n) < need) return kNoValue;
    const double at = static_cast<double>(n - 1) * probability;
    const auto low = static_cast<int64_t>(at);
    const double part = at - static_cast<double>(low);
    const uint32_t rank = view.set.Select(low);
    const double value = FromOrderedBits(view.values[rank].hi);
    if (part == 0 || method == Method::kLower) return value;
    const double above = FromOrderedBits(view.values[view.set.Next(rank)].hi);
    switch (method) {
      case Method::kHigher:
        return above;
      case Method::kMidpoint:
        return value + (above - value) * 0.5;
      case Method::kNearest:  // halves go to the even place
        return part < 0.5 || (part == 0.5 && low % 2 == 0) ? value : above;
      default:
        return value + (above - value) * part;
    }
  }
};

struct RankAnswer {
  using Ties = RollingRankArgs::Ties;
  double need;
  Ties ties;
  bool percent;

  HWY_INLINE double operator()(const OrderView& view) const {
    const int64_t n = view.set.size();
    if (view.newest == kNoRank || static_cast<double>(n) < need) return kNoValue;
    const uint64_t key = view.values[view.newest].hi;
    uint32_t first = view.newest;
    uint32_t last = view.newest;
    if (IsTied(view)) {  // equal values are neighbours; their ends are found in O(log)
      const auto less = [](const Placed& a, uint64_t b) { return a.hi < b; };
      const auto more = [](uint64_t a, const Placed& b) { return a < b.hi; };
      first = static_cast<uint32_t>(std::lower_bound(view.values, view.values + view.ranks, key, less) -
                                    view.values);
      last = static_cast<uint32_t>(std::upper_bound(view.values, view.values + view.ranks, key, more) -
                                   view.values) -
             1;
    }
    const int64_t below = view.set.Below(first);
    const int64_t equal = first == last ? 1 : view.set.Below(last + 1) - below;
    const auto lowest = static_cast<double>(below + 1);
    const auto more_equal = static_cast<double>(equal - 1);
    const double rank = ties == Ties::kAverage ? lowest + more_equal / 2
                        : ties == Ties::kMin   ? lowest
                                               : lowest + more_equal;
    return percent ? rank / static_cast<double>(n) : rank;
  }

  static HWY_INLINE bool IsTied(const OrderView& view) {
    const Placed* value = view.values + view.newest;
    return (view.newest > 0 && value[-1].hi == value->hi) ||
           (static_cast<int64_t>(view.newest) + 1 < view.ranks && value[1].hi == value->hi);
  }
};

// One series at a time: its sorted blocks, their ranks and the set.
class OrderedSeries {
 public:
  OrderedSeries(int64_t span, Placed* merged, uint32_t* ranks, RankSet set)
      : span_(span), merged_(merged), ranks_(ranks), set_(set) {}

  // `before`, sorted with places [0, span), and `now` with places [span, 2 span), become ranks; the set is
  // the end of the block before without its first bar.
  void Begin(const Placed* before, int64_t count_before, const Placed* now, int64_t count_now) {
    std::fill_n(ranks_, 2 * span_, kNoRank);
    total_ = count_before + count_now;
    std::merge(before, before + count_before, now, now + count_now, merged_,
               [](const Placed& a, const Placed& b) { return Before(a, b); });
    set_.Clear(total_);
    for (int64_t rank = 0; rank < total_; ++rank) {
      const uint64_t place = merged_[rank].lo;
      ranks_[place] = static_cast<uint32_t>(rank);
      if (place != 0 && place < static_cast<uint64_t>(span_)) set_.Put(static_cast<uint32_t>(rank));
    }
    set_.Finish();
  }

  // Takes bar `row` of the block in and what it pushes out of the window.
  HWY_INLINE OrderView Step(int64_t row) {
    if (row > 0 && ranks_[row] != kNoRank) set_.Erase(ranks_[row]);
    const uint32_t rank = ranks_[span_ + row];
    if (rank != kNoRank) set_.Insert(rank);
    return {set_, merged_, total_, rank};
  }

 private:
  int64_t span_;
  Placed* merged_;
  uint32_t* ranks_;
  RankSet set_;
  int64_t total_ = 0;
};

// Copies out the finite values of one series over one block, sorted, with places from `place`. Returns how
// many.
template <typename T>
int64_t SortBlock(const T* values, int64_t rows, int64_t stride, int64_t place, const FastSorter& sort,
                  Placed* to) {
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const double value = values[row * stride];
    if (std::isfinite(value)) to[count++] = MakePlaced(value, static_cast<uint64_t>(place + row));
  }
  sort(to, count);
  return count;
}

// A cache line of each row is read at once, then its series one after the other.
template <typename T, class Args, class Answer>
void SlideOrder(const Args& args, const Answer& answer, Outcome& outcome) {
  if (args.bars == 0 || args.series == 0) return;
  const auto* values = static_cast<const T*>(args.values);
  auto* out = static_cast<T*>(args.out);
  const int64_t bars = args.bars;
  const int64_t series = args.series;
  const int64_t span = std::min(args.window, bars);
  const int64_t blocks = (bars + span - 1) / span;
  // Two sorted blocks of each series of a tile are kept: long windows take fewer series at once.
  constexpr int64_t kTileBytes = 2 * 1024 * 1024;
  const int64_t line = std::min<int64_t>(64 / sizeof(T), series);
  const int64_t tile =
      std::clamp<int64_t>(kTileBytes / (2 * span * static_cast<int64_t>(sizeof(Placed))), 1, line);
  const int64_t tiles = (series + tile - 1) / tile;
  const int64_t chunk = std::max<int64_t>(8, (16 * 1024 + span * tile - 1) / (span * tile));
  const int64_t chunks = (blocks + chunk - 1) / chunk;
  ParallelFor(tiles * chunks, [&](int64_t task) {
    const int64_t first = task / chunks * tile;
    const int64_t width = std::min(tile, series - first);
    const int64_t from = task % chunks * chunk;
    const int64_t room = blocks == 1 ? span : 2 * span;
    const Scratch<Placed> sorted(2 * width * span);
    const Scratch<Placed> merged(room);
    const Scratch<uint32_t> ranks(2 * span);
    const Scratch<int64_t> counts(2 * width);
    const Scratch<uint64_t> words(RankSet::Words(room));
    const Scratch<int32_t> tree(RankSet::Words(room));
    if (!sorted || !merged || !ranks || !counts || !words || !tree) return outcome.OutOfMemory();
    const FastSorter sort;
    OrderedSeries one(span, merged.get(), ranks.get(), RankSet(words.get(), tree.get()));
    const auto sort_block = [&](int64_t number, int64_t side) {
      const int64_t rows = number < 0 ? 0 : std::min(span, bars - number * span);
      for (int64_t s = 0; s < width; ++s) {
        const T* start = values + std::max<int64_t>(number, 0) * span * series + first + s;
        counts[side * width + s] =
            SortBlock(start, rows, series, span, sort, sorted.get() + (side * width + s) * span);
      }
    };
    sort_block(from - 1, 0);
    for (int64_t number = from; number < std::min(from + chunk, blocks); ++number) {
      if (IsCancelled(args.cancel)) return outcome.Cancelled();
      const int64_t now = (number - from + 1) % 2;
      sort_block(number, now);
      const int64_t rows = std::min(span, bars - number * span);
      for (int64_t s = 0; s < width; ++s) {
        Placed* before = sorted.get() + ((1 - now) * width + s) * span;
        for (int64_t i = 0; i < counts[(1 - now) * width + s]; ++i)
          before[i].lo -= static_cast<uint64_t>(span);
        one.Begin(before, counts[(1 - now) * width + s], sorted.get() + (now * width + s) * span,
                  counts[now * width + s]);
        T* to = out + number * span * series + first + s;
        for (int64_t row = 0; row < rows; ++row) to[row * series] = static_cast<T>(answer(one.Step(row)));
      }
    }
  });
}

template <class Args>
double Need(const Args& args) {
  return static_cast<double>(args.min_periods == 0 ? args.window : args.min_periods);
}

void RollingQuantileAny(const RollingQuantileArgs& args, Outcome& outcome) {
  const QuantileAnswer answer{Need(args), args.probability, args.method};
  args.dtype == Dtype::kF64 ? SlideOrder<double>(args, answer, outcome)
                            : SlideOrder<float>(args, answer, outcome);
}

void RollingRankAny(const RollingRankArgs& args, Outcome& outcome) {
  const RankAnswer answer{Need(args), args.ties, args.percent};
  args.dtype == Dtype::kF64 ? SlideOrder<double>(args, answer, outcome)
                            : SlideOrder<float>(args, answer, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

#define NAUTILUS_ROLLING(Name)                      \
  HWY_EXPORT(Name##Any);                            \
  Status Name(Name##Args& args) {                   \
    Outcome outcome;                                \
    HWY_DYNAMIC_DISPATCH(Name##Any)(args, outcome); \
    return outcome.Take();                          \
  }
NAUTILUS_ROLLING(RollingQuantile)
NAUTILUS_ROLLING(RollingRank)
#undef NAUTILUS_ROLLING

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
