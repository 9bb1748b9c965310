// Runs an indicator whose value depends on the last `rows` bars only, each value computed anew from its
// window: no error accumulates and a later start changes no bit. Lanes are series in a panel and bars in a
// series alone.
//
// Such an indicator is a struct with
//   Options, kWindows
//     the option struct; how many columns the window keeps (at most 4);
//   template <typename T> Plan
//     constants from the options, and `rows`, at most kMaxWindowRows;
//   Prepare(d, plan, in, kept)
//     what of a bar is kept, one vector for each column; left out when it is the first inputs;
//   Value(d, plan, window, out)
//     the outputs from a window; window(column, row) is a vector, row 0 the oldest;
//   kEnds
//     left out, or true when the window is inputs and only its oldest and newest row are read.
#if defined(NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#undef NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>

#include "core/parallel.h"
#include "cpu/indicators/prices-inl.h"
#include "cpu/indicators/tile-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

inline constexpr int64_t kMaxWindowRows = 1024;
inline constexpr int64_t kWindowBlock = 512;

// The windows of some lanes. Rows of one window lie `stride` elements apart.
template <class D, int kWindows>
struct Windows {
  using T = hn::TFromD<D>;
  D d;
  const T* oldest[kWindows];
  int64_t stride;

  HWY_INLINE hn::Vec<D> operator()(int column, int64_t row) const {
    return hn::LoadU(d, oldest[column] + row * stride);
  }
};

// The same of lanes at the end of a row, beyond which nothing may be read.
template <class D, int kWindows>
struct WindowsUpTo {
  Windows<D, kWindows> windows;
  int64_t rest;

  HWY_INLINE hn::Vec<D> operator()(int column, int64_t row) const {
    return LoadUpTo(windows.d, windows.oldest[column] + row * windows.stride, rest);
  }
};

// Whether a window keeps the inputs as they are.
template <class Spec, class D, class Plan>
concept Prepares = requires(D d, const Plan& plan, hn::Vec<D>* bar) {
  Spec::Prepare(d, plan, bar, bar);
};

template <class Spec>
concept ReadsEnds = requires {
  Spec::kEnds;
};

template <class Spec, class D, class Plan>
HWY_INLINE void PrepareBar(D d, const Plan& plan, const hn::Vec<D>* in, hn::Vec<D>* kept) {
  if constexpr (Prepares<Spec, D, Plan>) {
    Spec::Prepare(d, plan, in, kept);
  } else {
    for (int column = 0; column < Spec::kWindows; ++column) kept[column] = in[column];
  }
}

template <class Spec>
struct Windowed {
  using Options = typename Spec::Options;
  static constexpr int kWindows = Spec::kWindows;
  static constexpr int kInputs = Options::kInputs;
  static constexpr int kOutputs = Options::kOutputs;

  // Each column twice: what is written at a row is written again a window further, so that every window lies
  // in one piece. A series alone keeps its last rows in order instead.
  template <typename T>
  static int64_t Slots(const Options& options) {
    return typename Spec::template Plan<T>(options).rows * 2 * kWindows;
  }

  static void Describe(const Options& options, int64_t, IndicatorPlan& to) {
    CopyPlan(typename Spec::template Plan<float>(options), to);
    to.warmup = options.Warmup();
    to.rings = 0;
    to.windows = true;
  }

  template <typename T>
  static bool Run(const Options& options, const IndicatorCall& call, int64_t first_tile, int64_t last_tile) {
    const typename Spec::template Plan<T> plan(options);
    const int64_t slots = plan.rows * 2 * kWindows;
    if (call.series == 1) return RunSeries<T>(call, plan, options.Warmup(), Tile<Spec, T>(call, slots, 0));
    return ForTiles<T>(call, slots, first_tile, last_tile, [&](int64_t first, int64_t last) HWY_ATTR {
      return RunTiles<T>(call, plan, slots, options.Warmup(), first, last);
    });
  }

 private:
  // Each row over tiles [first, last): longer runs through each row of the panel.
  template <typename T, class Plan>
  static HWY_INLINE bool RunTiles(const IndicatorCall& call, const Plan& plan, int64_t slots, int64_t warmup,
                                  int64_t first, int64_t last) {
    constexpr int64_t kAhead = kBlockRows<Options>;
    const hn::ScalableTag<T> d;
    Finite<hn::ScalableTag<T>, kInputs> finite(d);
    int64_t row_in_ring = call.first_bar % plan.rows;
    for (int64_t row = 0; row < call.bars; ++row) {
      if (call.Cancelled()) return false;
      const bool values = call.first_bar + row >= warmup;
      for (int64_t index = first; index < last; ++index) {
        const Tile<Spec, T> tile(call, slots, index);
        if (row + kAhead < call.bars)
          tile.Fetch(row + kAhead, 0, tile.width * static_cast<int64_t>(sizeof(T)), true);
        if constexpr (ReadsEnds<Spec>) {
          if (values && row >= plan.rows - 1) {
            RowOfPanel(d, plan, tile, row, finite);
            // The next call finds the last rows in the state.
            if (row + plan.rows >= call.bars) KeepRow(d, plan, tile, row_in_ring, row);
            continue;
          }
        }
        Row(d, plan, tile, row_in_ring, row, values, finite);
      }
      if (++row_in_ring == plan.rows) row_in_ring = 0;
    }
    return finite.All();
  }

  // A row whose windows lie in the panel itself.
  template <class D, typename T, class Plan>
  static HWY_INLINE void RowOfPanel(D d, const Plan& plan, const Tile<Spec, T>& tile, int64_t row,
                                    Finite<D, kInputs>& finite) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t at = 0; at < tile.width; at += lanes) {
      const int64_t rest = tile.width - at;
      const int64_t oldest = (row - plan.rows + 1) * tile.series + at;
      WindowsUpTo<D, kWindows> window{{d, {}, tile.series}, rest};
      for (int column = 0; column < kWindows; ++column) {
        window.windows.oldest[column] = tile.in[column] + oldest;
        finite.See(column, window(column, plan.rows - 1));
      }
      ValueAt(d, plan, tile, window, row * tile.series + at, rest);
    }
  }

  template <class D, typename T, class Plan>
  static HWY_INLINE void KeepRow(D d, const Plan& plan, const Tile<Spec, T>& tile, int64_t row_in_ring,
                                 int64_t row) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t at = 0; at < tile.width; at += lanes) {
      hn::Vec<D> in[kInputs];
      for (int i = 0; i < kInputs; ++i)
        in[i] = LoadUpTo(d, tile.in[i] + row * tile.series + at, tile.width - at);
      Keep(d, plan, tile, row_in_ring, at, in);
    }
  }

  // Keeps some lanes of a bar; returns their windows.
  template <class D, typename T, class Plan>
  static HWY_INLINE Windows<D, kWindows> Keep(D d, const Plan& plan, const Tile<Spec, T>& tile,
                                              int64_t row_in_ring, int64_t at, const hn::Vec<D>* in) {
    const int64_t ring = plan.rows * tile.padded;  // elements between a row and its copy
    hn::Vec<D> kept[kWindows];
    PrepareBar<Spec>(d, plan, in, kept);
    Windows<D, kWindows> window{d, {}, tile.padded};
    for (int column = 0; column < kWindows; ++column) {
      T* slot = tile.state + column * 2 * ring + row_in_ring * tile.padded + at;
      hn::StoreU(kept[column], d, slot);
      hn::StoreU(kept[column], d, slot + ring);
      window.oldest[column] = slot + tile.padded;
    }
    return window;
  }

  template <class D, typename T, class Plan>
  static HWY_INLINE void Row(D d, const Plan& plan, const Tile<Spec, T>& tile, int64_t row_in_ring,
                             int64_t row, bool values, Finite<D, kInputs>& finite) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t at = 0; at < tile.width; at += lanes) {
      const int64_t rest = tile.width - at;
      const int64_t offset = row * tile.series + at;
      hn::Vec<D> in[kInputs];
      hn::Vec<D> out[kOutputs];
      for (int i = 0; i < kInputs; ++i) {
        in[i] = LoadUpTo(d, tile.in[i] + offset, rest);
        finite.See(i, in[i]);
      }
      const auto window = Keep(d, plan, tile, row_in_ring, at, in);
      if (HWY_LIKELY(values)) Spec::Value(d, plan, window, out);
      for (int i = 0; i < kOutputs; ++i)
        StoreUpTo(values ? out[i] : hn::Set(d, kNaN<T>), d, tile.out[i] + offset, rest);
    }
  }

  // A series alone, parts of it on several threads: a part finds the bars before it in the inputs, the first
  // one in the state.
  template <typename T, class Plan>
  static HWY_INLINE bool RunSeries(const IndicatorCall& call, const Plan& plan, int64_t warmup,
                                   const Tile<Spec, T>& tile) {
    constexpr int64_t kPartBars = 1 << 14;
    static_assert(kPartBars >= kMaxWindowRows);
    std::atomic<bool> going{true};
    ParallelRanges(call.bars, kPartBars, [&](int64_t from, int64_t to) {
      if (call.Cancelled() || !RunPart<T>(call, plan, tile, from, to))
        going.store(false, std::memory_order_relaxed);
    });
    if (!going.load()) return false;
    KeepLast(call, plan, tile);
    const int64_t empty = std::clamp<int64_t>(warmup - call.first_bar, 0, call.bars);
    for (int i = 0; i < kOutputs; ++i) std::fill_n(tile.out[i], empty, kNaN<T>);
    return true;
  }

  template <typename T, class Plan>
  static HWY_NOINLINE bool RunPart(const IndicatorCall& call, const Plan& plan, const Tile<Spec, T>& tile,
                                   int64_t from, int64_t to) {
    using D = hn::ScalableTag<T>;
    const D d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t before = plan.rows - 1;
    if constexpr (!Prepares<Spec, D, Plan>) {
      // Windows in the inputs themselves, as far as they lie there and whole vectors reach.
      const int64_t begin = from == 0 ? std::min(before, to) : from;
      const int64_t end = begin + (to - begin) / lanes * lanes;
      if (!RunKept<T>(call, plan, tile, from, begin)) return false;
      for (int64_t bar = begin; bar < end;) {
        const int64_t stop = std::min(bar + kWindowBlock, end);
        if (!call.checked && !tile.FiniteBars(bar, stop)) return false;
        for (; bar < stop; bar += lanes) {
          Windows<D, kWindows> window{d, {}, 1};
          for (int column = 0; column < kWindows; ++column)
            window.oldest[column] = tile.in[column] + bar - before;
          ValueAt(d, plan, tile, window, bar, lanes);
        }
      }
      return RunKept<T>(call, plan, tile, end, to);
    } else {
      return RunKept<T>(call, plan, tile, from, to);
    }
  }

  // Bars [begin, end) by the columns of the window over the last rows and a block of new ones.
  template <typename T, class Plan>
  static HWY_NOINLINE bool RunKept(const IndicatorCall& call, const Plan& plan, const Tile<Spec, T>& tile,
                                   int64_t begin, int64_t end) {
    using D = hn::ScalableTag<T>;
    const D d;
    if (begin == end) return true;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t before = plan.rows - 1;
    // With room for a vector that looks beyond.
    HWY_ALIGN T kept[kWindows][kMaxWindowRows + kWindowBlock + HWY_MAX_BYTES / sizeof(T)];
    T* columns[kWindows];
    for (int column = 0; column < kWindows; ++column) columns[column] = kept[column];
    LastBefore(d, plan, tile, begin, columns);
    for (int64_t from = begin; from < end;) {
      const int64_t count = std::min(kWindowBlock, end - from);
      if (!call.checked && !tile.FiniteBars(from, from + count)) return false;
      T* next[kWindows];
      for (int column = 0; column < kWindows; ++column) next[column] = kept[column] + before;
      PrepareBars(d, plan, tile, from, count, next);
      for (int64_t at = 0; at < count; at += lanes) {
        Windows<D, kWindows> window{d, {}, 1};
        for (int column = 0; column < kWindows; ++column) window.oldest[column] = kept[column] + at;
        ValueAt(d, plan, tile, window, from + at, count - at);
      }
      for (int column = 0; column < kWindows; ++column)
        std::memmove(kept[column], kept[column] + count, static_cast<size_t>(before) * sizeof(T));
      from += count;
    }
    return true;
  }

  template <class D, typename T, class Plan, class Window>
  static HWY_INLINE void ValueAt(D d, const Plan& plan, const Tile<Spec, T>& tile, const Window& window,
                                 int64_t at, int64_t rest) {
    hn::Vec<D> out[kOutputs];
    Spec::Value(d, plan, window, out);
    for (int i = 0; i < kOutputs; ++i) StoreUpTo(out[i], d, tile.out[i] + at, rest);
  }

  // Writes what is kept of the last `rows` - 1 bars before bar `bar`, of which the inputs hold the newest.
  template <class D, typename T, class Plan>
  static HWY_INLINE void LastBefore(D d, const Plan& plan, const Tile<Spec, T>& tile, int64_t bar,
                                    T* const (&columns)[kWindows]) {
    const int64_t before = plan.rows - 1;
    const int64_t fresh = std::min(before, bar);
    const int64_t old = before - fresh;
    T* next[kWindows];
    for (int column = 0; column < kWindows; ++column) {
      const T* kept = tile.state + column * plan.rows;
      std::memmove(columns[column], kept + before - old, static_cast<size_t>(old) * sizeof(T));
      next[column] = columns[column] + old;
    }
    PrepareBars(d, plan, tile, bar - fresh, fresh, next);
  }

  // The state after all bars of a call.
  template <typename T, class Plan>
  static HWY_INLINE void KeepLast(const IndicatorCall& call, const Plan& plan, const Tile<Spec, T>& tile) {
    T* columns[kWindows];
    for (int column = 0; column < kWindows; ++column) columns[column] = tile.state + column * plan.rows;
    LastBefore(hn::ScalableTag<T>(), plan, tile, call.bars, columns);
  }

  // Writes what is kept of `count` bars from bar `from` on.
  template <class D, typename T, class Plan>
  static HWY_INLINE void PrepareBars(D d, const Plan& plan, const Tile<Spec, T>& tile, int64_t from,
                                     int64_t count, T* const (&to)[kWindows]) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t at = 0; at < count; at += lanes) {
      const int64_t rest = count - at;
      hn::Vec<D> in[kInputs];
      for (int i = 0; i < kInputs; ++i) in[i] = LoadUpTo(d, tile.in[i] + from + at, rest);
      hn::Vec<D> values[kWindows];
      PrepareBar<Spec>(d, plan, in, values);
      for (int column = 0; column < kWindows; ++column) StoreUpTo(values[column], d, to[column] + at, rest);
    }
  }
};

// The mean of the first column, summed from the oldest; `plan.period` is its length.
template <class D, class Plan, class Window>
HWY_INLINE hn::Vec<D> MeanOf(D d, const Plan& plan, const Window& window) {
  auto sum = hn::Zero(d);
  for (int64_t row = 0; row < plan.rows; ++row) sum = hn::Add(sum, window(0, row));
  return hn::Div(sum, hn::Set(d, plan.period));
}

// The distance of the highest from the lowest value of the first column.
template <class Plan, class Window>
HWY_INLINE auto SpanOf(const Plan& plan, const Window& window) {
  auto top = window(0, 0);
  auto bottom = top;
  for (int64_t row = 1; row < plan.rows; ++row) {
    top = hn::Max(top, window(0, row));
    bottom = hn::Min(bottom, window(0, row));
  }
  return hn::Sub(top, bottom);
}

// The deviation of a population around `mean`.
template <class D, class Plan, class Window>
HWY_INLINE hn::Vec<D> DeviationOf(D d, const Plan& plan, const Window& window, hn::Vec<D> mean) {
  auto squares = hn::Zero(d);
  for (int64_t row = 0; row < plan.rows; ++row) {
    const auto distance = hn::Sub(window(0, row), mean);
    squares = hn::Add(squares, hn::Mul(distance, distance));
  }
  return hn::Sqrt(hn::Div(squares, hn::Set(d, plan.period)));
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_WINDOW_INL_H_
