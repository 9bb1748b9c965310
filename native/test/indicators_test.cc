// Every indicator on every SIMD target: a panel of any width has the bits of its series alone on the plainest
// target, in one run or in several, and nothing is written beside it.
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/indicator_call.h"
#include "core/parallel.h"
#include "test/check.h"
#include "test/indicators_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorRow;
using cpu::indicators::IndicatorTable;
using cpu::indicators::StateLength;
using test::Bars;
using test::kColumns;
using test::Same;
using test::ShortOptions;

constexpr int kGuard = 8;

// Runs rows of a panel in pieces of `piece` bars, its arrays `shift` elements after an allocation and between
// guards.
template <typename T>
bool RunPanel(const IndicatorRow& row, const std::vector<T>& columns, int64_t bars, int64_t series,
              int64_t piece, int64_t shift, std::vector<T>& result) {
  const std::vector<double> options = ShortOptions(row);
  const Dtype dtype = sizeof(T) == 8 ? Dtype::kF64 : Dtype::kF32;
  const int64_t count = bars * series;
  const int64_t stride = count + kGuard;
  const T guard{-777};
  std::vector<T> in(columns.size() + shift);
  std::copy(columns.begin(), columns.end(), in.begin() + shift);
  const auto outputs = static_cast<int64_t>(row.outputs.size());
  std::vector<T> out(shift + outputs * stride + kGuard, guard);
  std::vector<T> state(StateLength(row, options.data(), dtype, series));
  for (int64_t first = 0; first < bars; first += piece) {
    IndicatorCall call{};
    call.dtype = dtype;
    call.series = series;
    call.bars = std::min(piece, bars - first);
    call.first_bar = first;
    call.options = options.data();
    call.state = state.data();
    for (size_t i = 0; i < row.inputs.size(); ++i) {
      call.inputs[i] = in.data() + shift + static_cast<int64_t>(row.inputs[i]) * count + first * series;
    }
    for (int64_t i = 0; i < outputs; ++i) call.outputs[i] = out.data() + shift + i * stride + first * series;
    if (cpu::indicators::RunIndicator(row, call) != Status::kOk) return false;
  }
  result.clear();
  for (int64_t i = 0; i < outputs; ++i) {
    const auto begin = out.begin() + shift + i * stride;
    result.insert(result.end(), begin, begin + count);
    for (int64_t k = count; k < stride; ++k) {
      if (begin[k] != guard) return false;
    }
  }
  for (int64_t k = 0; k < shift; ++k) {
    if (out[k] != guard) return false;
  }
  return true;
}

// The same by one series at a time.
template <typename T>
std::vector<T> Alone(const IndicatorRow& row, const std::vector<T>& columns, int64_t bars, int64_t series) {
  const int64_t count = bars * series;
  std::vector<T> all(row.outputs.size() * count);
  for (int64_t s = 0; s < series; ++s) {
    std::vector<T> own(kColumns * bars);
    for (int64_t i = 0; i < kColumns * bars; ++i) own[i] = columns[i * series + s];
    std::vector<T> result;
    if (!RunPanel(row, own, bars, 1, bars, 0, result)) return {};
    for (size_t i = 0; i < result.size(); ++i) all[i * series + s] = result[i];
  }
  return all;
}

template <typename T>
void CheckWidths(const IndicatorRow& row, const char* target, const std::vector<std::vector<T>>& expected,
                 const std::vector<int64_t>& widths, int64_t bars) {
  std::vector<T> result;
  for (size_t i = 0; i < widths.size(); ++i) {
    const auto columns = Bars<T>(bars, widths[i], static_cast<uint32_t>(widths[i]));
    const int width = static_cast<int>(widths[i]);
    for (const int64_t shift : {0, 3}) {
      CHECK(RunPanel(row, columns, bars, widths[i], bars, shift, result), "%s %s", row.name, target);
      CHECK(Same(result, expected[i]), "%s %s %d series, %d bytes", row.name, target, width, int{sizeof(T)});
    }
    for (const int64_t piece : {1, 7}) {
      CHECK(RunPanel(row, columns, bars, widths[i], piece, 1, result), "%s %s", row.name, target);
      CHECK(Same(result, expected[i]), "%s %s %d series in pieces", row.name, target, width);
    }
  }
}

template <typename T>
void CheckAll() {
  constexpr int64_t kBars = 90;
  const std::vector<int64_t> widths = {1, 2, 7, 16, 17, 64, 65, 131};
  for (const IndicatorRow& row : IndicatorTable()) {
    std::vector<std::vector<T>> expected;
    test::OnEachTarget([&](const char*) {
      // The last target visited is the plainest; it gives what all must equal.
      expected.clear();
      for (const int64_t width : widths) {
        expected.push_back(Alone(row, Bars<T>(kBars, width, static_cast<uint32_t>(width)), kBars, width));
      }
    });
    CHECK(!expected.empty() && !expected[0].empty() && std::isfinite(expected[0].back()), "%s", row.name);
    test::OnEachTarget([&](const char* target) { CheckWidths(row, target, expected, widths, kBars); });
  }
}

TEST("an indicator has the same bits for any target, width, alignment and pieces, in f64") {
  CheckAll<double>();
}

TEST("an indicator has the same bits for any target, width, alignment and pieces, in f32") {
  CheckAll<float>();
}

TEST(
    "a long series has the bits of the same series in short pieces for any threads, also one that stands "
    "still") {
  constexpr int64_t kBars = 120'000;
  auto walk = Bars<double>(kBars, 1, 11);
  auto still = walk;
  for (int64_t i = 0; i < kColumns * kBars; ++i) {
    // Moves for a while, stands still for longer than any state takes to be forgotten, and moves again.
    if (i % kBars > 20'000 && i % kBars < 75'000) still[i] = i / kBars == 4 ? 0 : 90.1;
  }
  const int threads = KernelThreads();
  for (const IndicatorRow& row : IndicatorTable()) {
    for (const auto& columns : {walk, still}) {
      std::vector<double> pieces;
      CHECK(RunPanel(row, columns, kBars, 1, 1000, 0, pieces), "%s", row.name);
      for (const int count : {1, 3}) {
        SetKernelThreads(count);
        std::vector<double> whole;
        CHECK(RunPanel(row, columns, kBars, 1, kBars, 0, whole), "%s", row.name);
        CHECK(Same(whole, pieces), "%s on %d threads", row.name, count);
        std::vector<double> halves;
        CHECK(RunPanel(row, columns, kBars, 1, kBars / 2, 0, halves), "%s", row.name);
        CHECK(Same(halves, pieces), "%s in halves on %d threads", row.name, count);
      }
    }
  }
  SetKernelThreads(threads);
}

TEST("an indicator that is cancelled ends, a panel or a series alone, and says so") {
  const std::atomic<uint32_t> cancelled{1};
  const double untouched = -777;
  for (const IndicatorRow& row : IndicatorTable()) {
    const std::vector<double> options = ShortOptions(row);
    for (const int64_t series : {1, 5, 200}) {
      const int64_t bars = 20'000 / series;
      const auto columns = Bars<double>(bars, series, 5);
      std::vector<double> state(StateLength(row, options.data(), Dtype::kF64, series));
      std::vector<double> out(row.outputs.size() * bars * series, untouched);
      IndicatorCall call{};
      call.dtype = Dtype::kF64;
      call.series = series;
      call.bars = bars;
      call.options = options.data();
      call.state = state.data();
      call.cancel = &cancelled;
      for (size_t i = 0; i < row.inputs.size(); ++i)
        call.inputs[i] = columns.data() + static_cast<int64_t>(row.inputs[i]) * bars * series;
      for (size_t i = 0; i < row.outputs.size(); ++i) call.outputs[i] = out.data() + i * bars * series;
      CHECK(cpu::indicators::RunIndicator(row, call) == Status::kCancelled, "%s", row.name);
      CHECK(out.back() == untouched, "%s goes on", row.name);
    }
  }
}

TEST("an indicator says that an input is not finite, and a row of which one is changes nothing") {
  for (const IndicatorRow& row : IndicatorTable()) {
    for (const int64_t series : {1, 5, 70}) {
      for (size_t broken = 0; broken < row.inputs.size(); ++broken) {
        const auto columns = Bars<double>(40, series, 3);
        const int64_t count = 40 * series;
        std::vector<double> in(columns);
        in[static_cast<int64_t>(row.inputs[broken]) * count + count - 1] =
            std::numeric_limits<double>::infinity();
        std::vector<double> result;
        CHECK(RunPanel(row, columns, 40, series, 40, 0, result), "%s", row.name);
        CHECK(!RunPanel(row, in, 40, series, 40, 0, result), "%s", row.name);
      }
    }
  }
}

}  // namespace
}  // namespace nautilus
