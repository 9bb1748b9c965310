// Slides a window over the series of a panel in constant time a bar, without ever taking a value back.
// Include inside foreach_target.
//
// Time is cut into blocks as long as the window. A window then is the end of one block and the beginning of
// the next: summaries of all ends of a block are made once, backwards; the beginning grows bar by bar; the
// answer is their merge (van Herk 1992 for extremes, here for anything that merges). Blocks do not depend on
// one another, so lanes and threads go over series or over blocks of one series with the same bits.
#if defined(NAUTILUS_CPU_STATISTICS_WINDOW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_STATISTICS_WINDOW_INL_H_
#undef NAUTILUS_CPU_STATISTICS_WINDOW_INL_H_
#else
#define NAUTILUS_CPU_STATISTICS_WINDOW_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/kernel_call.h"
#include "core/parallel.h"
#include "cpu/statistics/moments-inl.h"
#include "cpu/statistics/panel-inl.h"
#include "cpu/statistics/scratch.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

// Panels of one call, [bars, series]; an output that no one wants is null.
template <class Summary, typename T>
struct WindowPanels {
  int64_t bars, series, window;
  WindowRule rule;
  const T* in[Summary::kInputs];
  T* out[Summary::kOutputs];
};

// Neighbouring series over one block and the one before it. `before` is null where there is none.
template <class Summary, typename T>
struct WindowBlock {
  int64_t window, span, width, rows;  // span: of a window in bars, `window` unless the panel is shorter
  int64_t stride, out_stride;
  const T* before[Summary::kInputs];
  const T* now[Summary::kInputs];
  T* out[Summary::kOutputs];
};

// Sets what is subtracted from the values of each series before moments are taken: the first value of this
// block, which every window that ends in it holds. So a level of a million with a spread of a thousandth
// loses no digits. Where that value is missing, the nearest one before it serves, or the first one after it.
template <typename T>
HWY_INLINE void FindOrigins(const T* before, const T* now, int64_t span, int64_t rows, int64_t stride,
                            int64_t width, double* HWY_RESTRICT origin) {
  for (int64_t at = 0; at < width; ++at) {
    double value = now[at];
    for (int64_t row = span - 1; before != nullptr && row > 0 && !std::isfinite(value); --row) {
      value = before[row * stride + at];
    }
    for (int64_t row = 1; row < rows && !std::isfinite(value); ++row) value = now[row * stride + at];
    origin[at] = std::isfinite(value) ? value : 0;
  }
}

// Values of a row, less the origins of their series where the summary wants that.
template <class Summary, class D, typename T>
HWY_INLINE hn::Vec<D> LoadShifted(D d, const T* HWY_RESTRICT row, const double* HWY_RESTRICT origins) {
  const auto value = LoadRow(d, row);
  if constexpr (Summary::kShifts) {
    return hn::Sub(value, hn::LoadU(d, origins));
  } else {
    return value;
  }
}

// `ends` holds (span * kStates + kInputs) * width doubles.
template <class Summary, typename T>
HWY_NOINLINE void SlideBlock(const WindowBlock<Summary, T>& block, const WindowRule& rule,
                             double* HWY_RESTRICT ends) {
  constexpr int kInputs = Summary::kInputs;
  constexpr int kStates = Summary::kStates;
  const int64_t width = block.width;
  const int64_t row_states = kStates * width;
  const bool has_before = block.before[0] != nullptr;
  double* origins = ends + block.span * row_states;
  if constexpr (Summary::kShifts) {
    for (int i = 0; i < kInputs; ++i) {
      FindOrigins(block.before[i], block.now[i], block.span, block.rows, block.stride, width,
                  origins + i * width);
    }
  }
  for (int64_t row = block.span - 1; has_before && row > 0; --row) {
    const double* from = ends + (row + 1) * row_states;
    double* to = ends + row * row_states;
    const bool last = row == block.span - 1;
    ForLanes<kDoubles>(0, width, [&](auto d, int64_t at) HWY_ATTR {
      using At = typename Summary::template At<decltype(d)>;
      At state = last ? At(d) : At(d, from + at, width);
      hn::Vec<decltype(d)> x[kInputs];
      for (int i = 0; i < kInputs; ++i)
        x[i] = LoadShifted<Summary>(d, block.before[i] + row * block.stride + at, origins + i * width + at);
      state.Add(x, row);
      state.Save(to + at, width);
    });
  }
  double* begun = ends;  // row 0 of the ends is never used
  for (int64_t row = 0; row < block.rows; ++row) {
    const bool first = row == 0;
    const bool merges = has_before && row + 1 < block.span;
    const double* end = ends + (row + 1) * row_states;
    const int64_t position = row + block.span;
    ForLanes<kDoubles>(0, width, [&](auto d, int64_t at) HWY_ATTR {
      using At = typename Summary::template At<decltype(d)>;
      At state = first ? At(d) : At(d, begun + at, width);
      hn::Vec<decltype(d)> x[kInputs];
      for (int i = 0; i < kInputs; ++i)
        x[i] = LoadShifted<Summary>(d, block.now[i] + row * block.stride + at, origins + i * width + at);
      state.Add(x, position);
      state.Save(begun + at, width);
      if (merges) state.MergeEarlier(At(d, end + at, width));
      hn::Vec<decltype(d)> answers[Summary::kOutputs];
      state.Finish(rule, x, position, position - block.window + 1, origins + at, width, answers);
      for (int i = 0; i < Summary::kOutputs; ++i) {
        if (block.out[i] != nullptr) StoreRow(d, answers[i], block.out[i] + row * block.out_stride + at);
      }
    });
  }
}

constexpr int64_t kTileSeries = 64;  // 8 cache lines of doubles: enough for the prefetcher to follow a row
constexpr int64_t kTileBytes = 512 * 1024;    // of temporaries: half of a usual second-level cache
constexpr int64_t kTaskElements = 64 * 1024;  // below this a task is not worth handing to another thread

// How many series (or blocks) to take at once so that `bytes_each` of temporaries stay in the cache.
inline int64_t TileWidth(int64_t bytes_each, int64_t least) {
  return std::clamp(kTileBytes / std::max<int64_t>(bytes_each, 1) / least * least, least, kTileSeries);
}

// Lanes = series.
template <class Summary, typename T>
void SlideAcross(const WindowPanels<Summary, T>& panels, int64_t span, CancelFlag cancel, Outcome& outcome) {
  const int64_t bars = panels.bars;
  const int64_t series = panels.series;
  const int64_t tile = TileWidth(span * Summary::kStates * 8, 64 / sizeof(T));
  const int64_t tiles = (series + tile - 1) / tile;
  const int64_t blocks = (bars + span - 1) / span;
  // A chunk of time makes the ends of the block before it again, so it is at least eight blocks long.
  const int64_t task = std::max(kTaskElements, bars * series / 64);
  const int64_t chunk = std::max<int64_t>(8, task / (span * std::min(tile, series)));
  const int64_t chunks = (blocks + chunk - 1) / chunk;
  ParallelFor(tiles * chunks, [&](int64_t index) {
    if (IsCancelled(cancel)) return outcome.Cancelled();
    const int64_t first = index / chunks * tile;
    const int64_t width = std::min(tile, series - first);
    const int64_t from = index % chunks * chunk;
    const Scratch<double> ends((span * Summary::kStates + Summary::kInputs) * width);
    if (!ends) return outcome.OutOfMemory();
    for (int64_t number = from; number < std::min(from + chunk, blocks); ++number) {
      WindowBlock<Summary, T> block{
          panels.window, span, width, std::min(span, bars - number * span), series, series, {}, {}, {}};
      for (int i = 0; i < Summary::kInputs; ++i) {
        block.now[i] = panels.in[i] + number * span * series + first;
        block.before[i] = number == 0 ? nullptr : block.now[i] - span * series;
      }
      for (int i = 0; i < Summary::kOutputs; ++i) {
        // An output that nobody wants stays absent in every block.
        block.out[i] = panels.out[i] == nullptr ? nullptr : panels.out[i] + number * span * series + first;
      }
      SlideBlock(block, panels.rule, ends.get());
    }
  });
}

// Lanes = blocks of one series, which are turned so that equal places of neighbouring blocks lie side by
// side.
template <class Summary, typename T>
void SlideAlong(const WindowPanels<Summary, T>& panels, int64_t span, CancelFlag cancel, Outcome& outcome) {
  constexpr int kInputs = Summary::kInputs;
  constexpr int kOutputs = Summary::kOutputs;
  const int64_t bars = panels.bars;
  const int64_t series = panels.series;
  const int64_t blocks = (bars + span - 1) / span;
  const int64_t tile = std::min(TileWidth(span * (Summary::kStates + kInputs + kOutputs) * 8, 8), blocks);
  const int64_t groups = (blocks + tile - 1) / tile;
  const int64_t grain = std::max<int64_t>(1, kTaskElements / (span * tile));
  ParallelRanges(groups * series, grain, [&](int64_t begin, int64_t end) {
    if (IsCancelled(cancel)) return outcome.Cancelled();
    const int64_t stride = tile + 1;  // column 0 is the block before the first
    const Scratch<double> turned(kInputs * span * stride);
    const Scratch<double> answers(kOutputs * span * tile);
    const Scratch<double> ends((span * Summary::kStates + Summary::kInputs) * tile);
    if (!turned || !answers || !ends) return outcome.OutOfMemory();
    for (int64_t task = begin; task < end; ++task) {
      const int64_t column = task / groups;
      const int64_t first = task % groups * tile;
      const int64_t width = std::min(tile, blocks - first);
      WindowBlock<Summary, double> block{panels.window, span, width, span, stride, tile, {}, {}, {}};
      for (int i = 0; i < kInputs; ++i) {
        double* buffer = turned.get() + i * span * stride;
        const T* in = panels.in[i] + column;
        for (int64_t c = 0; c <= width; ++c) {
          const int64_t start = (first + c - 1) * span;
          const int64_t rows = start < 0 ? 0 : std::min(span, bars - start);
          for (int64_t row = 0; row < rows; ++row) buffer[row * stride + c] = in[(start + row) * series];
          for (int64_t row = rows; row < span; ++row) {
            buffer[row * stride + c] = std::numeric_limits<double>::quiet_NaN();
          }
        }
        block.before[i] = buffer;
        block.now[i] = buffer + 1;
      }
      for (int i = 0; i < kOutputs; ++i) block.out[i] = answers.get() + i * span * tile;
      SlideBlock(block, panels.rule, ends.get());
      for (int i = 0; i < kOutputs; ++i) {
        if (panels.out[i] == nullptr) continue;
        T* out = panels.out[i] + column;
        for (int64_t c = 0; c < width; ++c) {
          const int64_t start = (first + c) * span;
          const int64_t rows = std::min(span, bars - start);
          for (int64_t row = 0; row < rows; ++row) {
            out[(start + row) * series] = static_cast<T>(block.out[i][row * tile + c]);
          }
        }
      }
    }
  });
}

template <class Summary, typename T>
void Slide(const WindowPanels<Summary, T>& panels, CancelFlag cancel, Outcome& outcome) {
  if (panels.bars == 0 || panels.series == 0) return;
  const int64_t span = std::min(panels.window, panels.bars);  // a longer window sees the same bars
  const bool few = panels.series < 8 && panels.bars / span >= 2 * panels.series;
  few ? SlideAlong(panels, span, cancel, outcome) : SlideAcross(panels, span, cancel, outcome);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_STATISTICS_WINDOW_INL_H_
