// Every indicator's Metal kernel against the CPU, to the bit: one step serves both. And what happens when the
// device fails.
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "core/indicator_call.h"
#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/indicators_testing.h"
#include "test/metal_testing.h"

namespace nautilus {
namespace {

using cpu::indicators::IndicatorCall;
using cpu::indicators::IndicatorRow;
using cpu::indicators::IndicatorTable;
using metal::Device;

// A panel of f32 with what a run of it needs.
struct Panel {
  const IndicatorRow& row;
  int64_t bars;
  int64_t series;
  std::vector<double> options = test::ShortOptions(row);
  std::vector<float> columns = test::Bars<float>(bars, series, static_cast<uint32_t>(series));
  std::atomic<uint32_t> cancel{0};

  // Runs it; `backend` tells what ran.
  Status Run(Backend& backend, std::vector<float>& out) {
    const int64_t each = bars * series;
    std::vector<float> state(cpu::indicators::StateLength(row, options.data(), Dtype::kF32, series));
    out.assign(row.outputs.size() * each, -777);
    IndicatorCall call{};
    call.dtype = Dtype::kF32;
    call.series = series;
    call.bars = bars;
    call.options = options.data();
    call.state = state.data();
    call.cancel = &cancel;
    for (size_t i = 0; i < row.inputs.size(); ++i)
      call.inputs[i] = columns.data() + static_cast<int64_t>(row.inputs[i]) * each;
    for (size_t i = 0; i < row.outputs.size(); ++i) call.outputs[i] = out.data() + i * each;
    return nautilus::Run(backend, row, call);
  }

  std::vector<float> OnCpu() {
    Backend backend = Backend::kCpu;
    std::vector<float> out;
    CHECK(Run(backend, out) == Status::kOk, "%s", row.name);
    return out;
  }
};

// All indicators, or those that METAL_TEST_ROWS names, each between commas: the search for mistakes that no
// test notices breaks a few at a time.
std::vector<const IndicatorRow*> Rows() {
  const char* only = std::getenv("METAL_TEST_ROWS");
  const std::string names = only == nullptr ? "" : only;
  std::vector<const IndicatorRow*> rows;
  for (const IndicatorRow& row : IndicatorTable()) {
    std::string name(1, ',');
    name.append(row.name).push_back(',');
    if (names.empty() || names.find(name) != std::string::npos) rows.push_back(&row);
  }
  return rows;
}

// Whether both have the same bits; the largest difference is noted.
bool SameOf(const IndicatorRow& row, const std::vector<float>& found, const std::vector<float>& expected) {
  test::Note(row.name, test::Worst(found.data(), expected.data(), expected.size()), 0);
  return test::Same(found, expected);
}

std::string Next(const char* code) {
  return std::to_string(Device::Get().counts().commands + 1) + ":" + code;
}

TEST("the device opens, and has a kernel for every indicator") {
  CHECK(Metal().available, "%s", Metal().reason);
  for (const std::string& broken : Device::Get().broken()) CHECK(broken.empty(), "%s", broken.c_str());
  for (const IndicatorRow* row : Rows()) CHECK(RowOf(*row).has_metal, "%s", row->name);
}

TEST("an indicator has the bits of the CPU, whatever the width of the panel") {
  for (const IndicatorRow* row : Rows()) {
    for (const int64_t series : {1, 7, 33, 130}) {
      Panel panel{*row, 90, series};
      Backend backend = Backend::kMetal;
      std::vector<float> out;
      CHECK(panel.Run(backend, out) == Status::kOk && backend == Backend::kMetal, "%s", row->name);
      const std::vector<float> expected = panel.OnCpu();
      CHECK(SameOf(*row, out, expected), "%s over %d series", row->name, static_cast<int>(series));
    }
  }
}

TEST("prices that stand still, are 0, or move at one bar only, have the bits of the CPU") {
  for (const IndicatorRow* row : Rows()) {
    for (const float level : {0.0F, 90.1F, 91.0F}) {
      Panel panel{*row, 90, 3};
      // Means of many equal numbers that are no short fractions are not those numbers.
      for (size_t i = 0; i < panel.options.size(); ++i) {
        if (row->options[i].integer) panel.options[i] += 8;
      }
      std::fill(panel.columns.begin(), panel.columns.end(), level);
      if (level == 91.0F) {
        for (int column = 0; column < test::kColumns; ++column)
          panel.columns[(column * 90 + 50) * 3 + 1] = 92;
      }
      Backend backend = Backend::kMetal;
      std::vector<float> out;
      CHECK(panel.Run(backend, out) == Status::kOk && backend == Backend::kMetal, "%s", row->name);
      CHECK(SameOf(*row, out, panel.OnCpu()), "%s at %g", row->name, static_cast<double>(level));
    }
  }
}

TEST("a run in many pieces has the same bits, and pieces shorten when they hold the device for long") {
  for (const IndicatorRow* row : Rows()) {
    Panel panel{*row, 200, 5};
    const std::vector<float> expected = panel.OnCpu();
    for (int round = 0; round < 4; ++round) {
      const test::ShortPieces pieces;
      Backend backend = Backend::kMetal;
      std::vector<float> out;
      CHECK(panel.Run(backend, out) == Status::kOk && backend == Backend::kMetal, "%s", row->name);
      CHECK(SameOf(*row, out, expected), "%s in round %d", row->name, round);
      CHECK(round < 3 || pieces.MoreThan(6), "%s", row->name);
    }
  }
}

TEST("a piece that held the device for too long is done again in smaller ones") {
  if (!test::OnSoftDevice()) return;
  Panel panel{*Rows().front(), 90, 33};
  const uint64_t retries = Device::Get().counts().retries;
  const test::Setting fault("SWM_FAIL_BUFFER", Next("1"));
  Backend backend = Backend::kMetal;
  std::vector<float> out;
  CHECK(panel.Run(backend, out) == Status::kOk && backend == Backend::kMetal);
  CHECK(test::Same(out, panel.OnCpu()));
  CHECK(Device::Get().counts().retries == retries + 1);
}

TEST(
    "the CPU takes over from a device that is lost, has no memory, or too small a buffer, and the reply says "
    "so") {
  if (!test::OnSoftDevice()) return;
  Panel panel{*Rows().front(), 90, 33};
  const std::vector<float> expected = panel.OnCpu();
  const std::pair<const char*, std::string> faults[] = {
      {"SWM_FAIL_FROM", Next("11")}, {"SWM_OUT_OF_MEMORY", "1"}, {"SWM_MAX_BUFFER", "4096"}};
  for (const auto& [name, value] : faults) {
    const test::Setting fault(name, value);
    Backend backend = Backend::kMetal;
    std::vector<float> out;
    CHECK(panel.Run(backend, out) == Status::kOk, "%s", name);
    CHECK(backend == Backend::kCpu, "%s", name);
    CHECK(test::Same(out, expected), "%s", name);
  }
}

TEST("an input that is not finite is found, and a run that is cancelled ends") {
  for (const IndicatorRow* row : Rows()) {
    Panel panel{*row, 90, 33};
    Backend backend = Backend::kMetal;
    std::vector<float> out;
    panel.cancel = 1;
    CHECK(panel.Run(backend, out) == Status::kCancelled, "%s", row->name);
    for (const auto input : row->inputs) {
      for (const float bad :
           {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        Panel broken{*row, 90, 33};
        broken.columns[(static_cast<size_t>(input) * 90 + 89) * 33 + 32] = bad;
        CHECK(broken.Run(backend, out) == Status::kNonFinite, "%s", row->name);
      }
    }
  }
}

}  // namespace
}  // namespace nautilus
