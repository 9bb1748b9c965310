// The table of indicators, and the run of one of them over all its tiles.
#include <atomic>

#include "core/parallel.h"
#include "cpu/indicators/call.h"
#include "cpu/indicators/rows.h"

namespace nautilus::cpu::indicators {
namespace {

#define NAUTILUS_ROW(Name)                   \
  IndicatorRow{Name##Options::kName,         \
               Name##Options::kInputColumns, \
               Name##Options::kOutputNames,  \
               Name##Options::kSpecs,        \
               Slots##Name,                  \
               Run##Name},
constexpr IndicatorRow kTable[] = {NAUTILUS_INDICATORS(NAUTILUS_ROW)};
#undef NAUTILUS_ROW

// Below this many values a second thread costs more than it saves.
constexpr int64_t kAloneValues = 1 << 14;

}  // namespace

std::span<const IndicatorRow> IndicatorTable() { return kTable; }

int64_t StateLength(const IndicatorRow& row, const double* options, Dtype dtype, int64_t series) {
  return row.slots(options, dtype) * PaddedSeries(series);
}

Status RunIndicator(const IndicatorRow& row, const IndicatorCall& call) {
  if (call.bars == 0 || call.series == 0) return Status::kOk;
  const int64_t tiles = (call.series + kTileSeries - 1) / kTileSeries;
  if (tiles == 1 || call.bars * call.series < kAloneValues) {
    return row.run(call, 0, tiles) ? Status::kOk : Status::kNonFinite;
  }
  std::atomic<bool> finite{true};
  ParallelRanges(tiles, 1, [&](int64_t first, int64_t last) {
    if (finite.load(std::memory_order_relaxed) && !row.run(call, first, last)) {
      finite.store(false, std::memory_order_relaxed);
    }
  });
  return finite.load() ? Status::kOk : Status::kNonFinite;
}

}  // namespace nautilus::cpu::indicators
