// Indicators on the GPU over bars that jump from the close before, in both directions, and of which many are
// without trades: to the bit as on the CPU. Periods are even where those of the other tests are odd.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/indicator_call.h"
#include "test/check.h"
#include "test/indicators_testing.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorRow;

constexpr int64_t kBars = 90;
constexpr int64_t kSeries = 33;

std::vector<float> Gaps() {
  auto columns = test::Bars<float>(kBars, kSeries, 5);
  constexpr float kJumps[] = {0, 9, -7, -16, 4};
  for (int64_t i = 0; i < kBars * kSeries; ++i) {
    const int64_t bar = i / kSeries;
    // Half of the series are upside down: some begin by rising, some by falling.
    const float jump = kJumps[bar % 5] * (i % 2 == 0 ? 1.0F : -1.0F);
    for (int column = 0; column < 4; ++column) columns[column * kBars * kSeries + i] += jump;
    if (bar % 24 >= 12) columns[4 * kBars * kSeries + i] = 0;
  }
  return columns;
}

// Small shares, so that what grows by a share at each bar does not reach its bound at once.
std::vector<double> OptionsOf(const IndicatorRow& row) {
  std::vector<double> options = test::ShortOptions(row);
  double share = 0;
  for (size_t i = 0; i < options.size(); ++i) {
    const auto& of = row.options[i];
    share += 0.03;
    options[i] = of.integer ? std::min(options[i] + 1, of.max) : of.min + (of.max - of.min) * share;
  }
  return options;
}

std::vector<float> Run(const IndicatorRow& row, Backend backend, const std::vector<float>& columns) {
  const std::vector<double> options = OptionsOf(row);
  std::vector<float> state(cpu::indicators::StateLength(row, options.data(), Dtype::kF32, kSeries));
  std::vector<float> out(row.outputs.size() * kBars * kSeries, -777);
  IndicatorCall call{};
  call.dtype = Dtype::kF32;
  call.series = kSeries;
  call.bars = kBars;
  call.options = options.data();
  call.state = state.data();
  for (size_t i = 0; i < row.inputs.size(); ++i)
    call.inputs[i] = columns.data() + static_cast<int64_t>(row.inputs[i]) * kBars * kSeries;
  for (size_t i = 0; i < row.outputs.size(); ++i)
    call.outputs[i] = out.data() + static_cast<int64_t>(i) * kBars * kSeries;
  Backend chosen = backend;
  CHECK(nautilus::Run(chosen, row, call) == Status::kOk && chosen == backend, "%s", row.name);
  return out;
}

TEST("indicators of bars with gaps, and of bars without trades, have the bits of the CPU") {
  // As in metal_indicators_test.cc: the search for mistakes breaks a few indicators at a time.
  const char* only = std::getenv("METAL_TEST_ROWS");
  const std::string names = only == nullptr ? "" : only;
  const std::vector<float> columns = Gaps();
  for (const IndicatorRow& row : cpu::indicators::IndicatorTable()) {
    std::string name(1, ',');
    name.append(row.name).push_back(',');
    if (!names.empty() && names.find(name) == std::string::npos) continue;
    CHECK(test::Same(Run(row, Backend::kMetal, columns), Run(row, Backend::kCpu, columns)), "%s", row.name);
  }
}

}  // namespace
}  // namespace nautilus
