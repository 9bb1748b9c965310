// Exponentially weighted statistics on Metal against the CPU.
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_statistics_testing.h"

namespace nautilus {
namespace {

using test::CheckParity;
using test::Kind32;
using test::PanelOf;

struct Panels {
  int64_t bars, series;
  std::vector<float> x, y;
};

template <class Args>
void CheckOne(const Panels& panels, double alpha, uint32_t bits, const char* what) {
  Args args{};
  args.bars = panels.bars;
  args.series = panels.series;
  args.alpha = alpha;
  args.adjust = bits % 2 == 0;
  args.ignore_na = bits / 2 % 2 == 0;
  args.min_periods = bits / 8 % 2 == 0 ? 0 : 4;
  if constexpr (requires { args.bias; }) args.bias = bits / 4 % 2 == 0;
  if constexpr (requires { args.values; }) {
    args.values = panels.x.data();
  } else {
    args.x = panels.x.data();
    args.y = panels.y.data();
  }
  CheckParity(args, &Args::out, panels.bars * panels.series, what);
}

void CheckAll(const Panels& panels, double alpha, uint32_t bits, const char* kind) {
  const std::string what = std::string(kind) + ", " + std::to_string(panels.series) + " series, alpha " +
                           std::to_string(alpha) + ", rule " + std::to_string(bits);
  CheckOne<EwmMeanArgs>(panels, alpha, bits, what.c_str());
  CheckOne<EwmVarArgs>(panels, alpha, bits, what.c_str());
  CheckOne<EwmStdArgs>(panels, alpha, bits, what.c_str());
  CheckOne<EwmCovarianceArgs>(panels, alpha, bits, what.c_str());
  CheckOne<EwmCorrelationArgs>(panels, alpha, bits, what.c_str());
}

TEST("exponentially weighted statistics on Metal agree with the CPU for every width, rule, level and gap") {
  for (const Kind32 kind :
       {Kind32::kWhole, Kind32::kGaps, Kind32::kConstant, Kind32::kLevel, Kind32::kTies}) {
    for (const int64_t series : test::WidthsOf(kind)) {
      for (const double alpha : {0.01, 0.3, 1.0}) {
        for (uint32_t bits = 0; bits < 16; ++bits) {
          if (series > 7 && bits % 5 != 0) continue;
          const int64_t bars = bits == 3 ? 1 : 120;
          CheckAll({bars, series, PanelOf(kind, bars, series, bits),
                    PanelOf(Kind32::kGaps, bars, series, bits + 50)},
                   alpha, bits, test::Describe(kind, bars, series, 0).c_str());
        }
      }
    }
  }
}

TEST("a gap after which all weights are beyond the range of f32 changes nothing") {
  constexpr int64_t kBars = 900;
  Panels panels{kBars, 3, PanelOf(Kind32::kWhole, kBars, 3, 1), PanelOf(Kind32::kWhole, kBars, 3, 2)};
  for (int64_t i = 300; i < 3 * 450; ++i) panels.x[i] = static_cast<float>(test::kNone);
  // After the gap one series does not move for a while.
  for (int64_t bar = 450; bar < 500; ++bar) panels.x[3 * bar] = panels.y[3 * bar] = 50;
  for (uint32_t bits = 0; bits < 16; ++bits) CheckAll(panels, 0.5, bits, "gap");
}

TEST("exponentially weighted statistics go on from piece to piece") {
  constexpr int64_t kBars = 900;
  const Panels panels{kBars, 33, PanelOf(Kind32::kGaps, kBars, 33, 1), PanelOf(Kind32::kGaps, kBars, 33, 2)};
  const test::ShortPieces pieces;
  for (uint32_t bits = 0; bits < 16; bits += 3) CheckAll(panels, 0.05, bits, "pieces");
  CHECK(pieces.MoreThan(100));
}

TEST("the CPU takes over where squares leave the range of f32") {
  const std::vector<float> values = PanelOf(Kind32::kHuge, 50, 3, 1);
  std::vector<float> out[2] = {std::vector<float>(150), std::vector<float>(150)};
  EwmStdArgs args{.dtype = Dtype::kF32, .bars = 50, .series = 3, .alpha = 0.2, .adjust = true};
  args.values = values.data();
  args.out = out[0].data();
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kOk && backend == Backend::kCpu);
  args.out = out[1].data();
  CHECK(cpu::EwmStd(args) == Status::kOk);
  CHECK(test::Worst(out[0], out[1], 150, 1) == 0);
}

}  // namespace
}  // namespace nautilus
