// One run of one indicator over a panel of series, and the row that describes each indicator. No Node, no
// SIMD.
#ifndef NAUTILUS_CORE_INDICATOR_CALL_H_
#define NAUTILUS_CORE_INDICATOR_CALL_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/kernel_call.h"
#include "core/status.h"

namespace nautilus::cpu::indicators {

// The columns of a bar, in the order of every packed row.
enum class Column : int32_t { kOpen, kHigh, kLow, kClose, kVolume };

// One option as the definition declares it.
struct OptionSpec {
  const char* name;
  bool integer;
  double min;
  double max;
};

inline constexpr int kMaxInputs = 5;
inline constexpr int kMaxOutputs = 5;

// How many neighbouring series have their state side by side. 64 doubles span 8 cache lines of a row; one
// vector alone would touch one line of each row and run at half the speed.
inline constexpr int64_t kTileSeries = 64;

// A tile's state has room for whole vectors of every target, so that a tail runs the same code on padding
// lanes.
inline constexpr int64_t kPadSeries = 16;

// How many lanes of state a tile of `width` series has; a series alone has one.
constexpr int64_t PaddedWidth(int64_t width, int64_t series) {
  return series == 1 ? 1 : (width + kPadSeries - 1) / kPadSeries * kPadSeries;
}

// How many lanes of state all tiles together have; full tiles need no padding, whatever their width.
constexpr int64_t PaddedSeries(int64_t series) { return PaddedWidth(series, series); }

// Rows [first_bar, first_bar + bars) of a panel that began at bar 0. `state` is all zeros before bar 0 and
// whatever the run before left afterwards; its length is the row's slots times PaddedSeries(series). Every
// input and output is [bars, series] row-major and all have one element type; outputs overlap nothing.
// Options are within their ranges.
struct IndicatorCall {
  Dtype dtype;
  int64_t series;
  int64_t bars;
  int64_t first_bar;
  const double* options;
  void* state;
  const void* inputs[kMaxInputs];
  void* outputs[kMaxOutputs];
  // Whether the rows are known to be finite; otherwise a run stops at the first NaN or infinity, and some
  // series may have taken rows that others have not.
  bool checked;
  CancelFlag cancel;

  bool Cancelled() const { return IsCancelled(cancel); }
};

// What a run in single precision on another device needs to know besides its arrays.
struct IndicatorPlan {
  alignas(8) unsigned char bytes[512];  // the constants of the step, as they lie in memory
  int64_t size;
  int64_t warmup;
  int64_t rings;  // rows of state before the numbers that the step keeps
  bool windows;   // whether a value depends on the rows of a window only, so that it needs no state
};

// One indicator: what its definition says, and the functions of its group.
struct IndicatorRow {
  const char* name;
  std::span<const Column> inputs;
  std::span<const char* const> outputs;
  std::span<const OptionSpec> options;
  // Elements of state for each lane.
  int64_t (*slots)(const double* options, Dtype dtype);
  // Runs tiles [first, last). Returns false at a NaN or infinity of an input, and once it is cancelled.
  bool (*run)(const IndicatorCall& call, int64_t first_tile, int64_t last_tile);
  // Writes the plan for rows of state with `lanes` lanes.
  void (*plan)(const double* options, int64_t lanes, IndicatorPlan& plan);
};

// All indicators, in the order of the generated list.
std::span<const IndicatorRow> IndicatorTable();

// Returns the length of a state, in elements.
int64_t StateLength(const IndicatorRow& row, const double* options, Dtype dtype, int64_t series);

// Returns whether all inputs are finite: what makes a run of one row all or nothing.
bool InputsFinite(const IndicatorRow& row, const IndicatorCall& call);

// Runs an indicator over all tiles, on several threads when there are several tiles and enough rows.
// kNonFinite when an input holds NaN or infinity and `call.checked` is not set, kCancelled when `call.cancel`
// stopped it: outputs and state are then unusable.
Status RunIndicator(const IndicatorRow& row, const IndicatorCall& call);

}  // namespace nautilus::cpu::indicators

#endif  // NAUTILUS_CORE_INDICATOR_CALL_H_
