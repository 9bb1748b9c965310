// The table of indicators, and the run of one of them over all its tiles.
#include <algorithm>
#include <atomic>

#include "core/indicator_call.h"
#include "core/parallel.h"
#include "cpu/indicators/rows.h"

namespace nautilus::cpu::indicators {
namespace {

#define NAUTILUS_ROW(Name)                   \
  IndicatorRow{Name##Options::kName,         \
               Name##Options::kInputColumns, \
               Name##Options::kOutputNames,  \
               Name##Options::kSpecs,        \
               Slots##Name,                  \
               Run##Name,                    \
               Plan##Name},
constexpr IndicatorRow kTable[] = {NAUTILUS_INDICATORS(NAUTILUS_ROW)};
#undef NAUTILUS_ROW

// Below this many values a second thread costs more than it saves.
constexpr int64_t kAloneValues = 1 << 14;

template <typename T>
bool AllFinite(const void* values, int64_t count) {
  // x * 0 is 0 for finite x only.
  T sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<const T*>(values)[i] * T{0};
  return sum == T{0};
}

}  // namespace

std::span<const IndicatorRow> IndicatorTable() { return kTable; }

int64_t StateLength(const IndicatorRow& row, const double* options, Dtype dtype, int64_t series) {
  return row.slots(options, dtype) * PaddedSeries(series);
}

bool InputsFinite(const IndicatorRow& row, const IndicatorCall& call) {
  const int64_t count = call.bars * call.series;
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    const bool finite = call.dtype == Dtype::kF64 ? AllFinite<double>(call.inputs[i], count)
                                                  : AllFinite<float>(call.inputs[i], count);
    if (!finite) return false;
  }
  return true;
}

Status RunIndicator(const IndicatorRow& row, const IndicatorCall& call) {
  if (call.bars == 0 || call.series == 0) return Status::kOk;
  const auto stopped = [&] { return call.Cancelled() ? Status::kCancelled : Status::kNonFinite; };
  const int64_t tiles = (call.series + kTileSeries - 1) / kTileSeries;
  if (tiles == 1 || call.bars * call.series < kAloneValues) {
    return row.run(call, 0, tiles) ? Status::kOk : stopped();
  }
  // Neighbouring tiles together make longer runs through each row; two turns for each thread even out.
  const int64_t grain = std::clamp<int64_t>(tiles / (2 * KernelThreads()), 1, 8);
  std::atomic<bool> going{true};
  ParallelRanges(tiles, grain, [&](int64_t first, int64_t last) {
    if (going.load(std::memory_order_relaxed) && !row.run(call, first, last)) {
      going.store(false, std::memory_order_relaxed);
    }
  });
  return going.load() ? Status::kOk : stopped();
}

}  // namespace nautilus::cpu::indicators
