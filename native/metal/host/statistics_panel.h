// What the statistics of panels have in common on the GPU: sizes, and work over bars.
#ifndef NAUTILUS_METAL_HOST_STATISTICS_PANEL_H_
#define NAUTILUS_METAL_HOST_STATISTICS_PANEL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/status.h"
#include "metal/host/device.h"

namespace nautilus::metal {

// Bytes of `count` numbers of 32 bits.
inline size_t BytesOf(int64_t count) { return static_cast<size_t>(count) * sizeof(float); }

// Whether a kernel can count the rows and columns of a panel in 32 bits.
inline bool Fits(int64_t rows, int64_t columns) {
  constexpr int64_t kMost = int64_t{1} << 31;
  return rows < kMost && columns < kMost;
}

// An output that nobody wants has a place too, and no memory to speak of.
inline Binding OutputOf(void* out, size_t bytes) {
  return out == nullptr ? Binding::Scratch(sizeof(float)) : Binding::Output(out, bytes);
}

// Work of one thread for each series, which goes from bar to bar; `weight` is the work of a bar. `p` is bound
// as bytes and counts bars in `first_bar` and `bars`.
template <class Args, class Params>
Work SeriesWork(const char* kernel, const Args& args, Params& p, uint64_t weight,
                std::span<const Binding> bindings) {
  return {.kernel = kernel,
          .bindings = bindings,
          .items = static_cast<uint64_t>(args.bars),
          .weight = static_cast<uint64_t>(args.series) * weight,
          .piece =
              [&p](uint64_t first, uint64_t count) {
                p.first_bar = static_cast<uint32_t>(first);
                p.bars = static_cast<uint32_t>(count);
                return Launch{.width = p.series};
              },
          .cancel = args.cancel};
}

// As in statistics_rolling.metal.
struct RollingParams {
  uint32_t series;
  uint32_t first_bar;
  uint32_t bars;
  uint32_t window;
  uint32_t need;
  uint32_t ddof;
};

// A thread looks at all of its window, so one beyond this many rows is faster on the CPU, whose time does not
// depend on it.
inline constexpr int64_t kMostRows = 4096;

// Whether the GPU runs this. `least` is how many values an answer needs, whatever the caller says.
template <class Args>
bool MakeRolling(const Args& args, int64_t least, int64_t ddof, RollingParams& p) {
  if (!Fits(args.bars, args.series) || std::min(args.window, args.bars) > kMostRows) return false;
  const int64_t asked = args.min_periods == 0 ? args.window : args.min_periods;
  p = {.series = static_cast<uint32_t>(args.series),
       .first_bar = 0,
       .bars = 0,
       .window = static_cast<uint32_t>(args.window),
       .need = static_cast<uint32_t>(std::max(asked, least)),
       .ddof = static_cast<uint32_t>(ddof)};
  return true;
}

// Work of one thread for each value of a panel; `weight` is the work of a row of its window. `p` is bound as
// bytes.
template <class Args>
Work RollingWork(const char* kernel, const Args& args, RollingParams& p, uint64_t weight,
                 std::span<const Binding> bindings) {
  const uint64_t rows = static_cast<uint64_t>(std::min(args.window, args.bars));
  return {.kernel = kernel,
          .bindings = bindings,
          .items = static_cast<uint64_t>(args.bars),
          .weight = static_cast<uint64_t>(args.series) * (1 + rows * weight / 16),
          .piece =
              [&p](uint64_t first, uint64_t count) {
                p.first_bar = static_cast<uint32_t>(first);
                p.bars = static_cast<uint32_t>(count);
                return Launch{.width = p.series, .height = count};
              },
          .cancel = args.cancel};
}

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_STATISTICS_PANEL_H_
