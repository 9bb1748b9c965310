// Drawdowns on Metal have the bits of the CPU, which divides in f64.
#include <cmath>
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

// What one backend says about the worst drawdown of each series.
struct WorstOf {
  std::vector<float> depth;
  std::vector<uint32_t> start, trough, recovery;

  WorstOf(MaxDrawdownArgs args, Backend wanted)
      : depth(args.series, -777), start(args.series), trough(args.series), recovery(args.series) {
    args.depth = depth.data();
    args.start = start.data();
    args.trough = trough.data();
    args.recovery = recovery.data();
    Backend ran = wanted;
    CHECK(Run(ran, args) == Status::kOk && ran == wanted);
  }
};

void CheckFalls(const std::vector<float>& values, int64_t bars, int64_t series, const char* what) {
  for (const bool relative : {false, true}) {
    DrawdownArgs all{.bars = bars, .series = series, .relative = relative};
    all.values = values.data();
    CheckParity(all, &DrawdownArgs::out, bars * series, what);
    MaxDrawdownArgs args{.dtype = Dtype::kF32, .bars = bars, .series = series, .relative = relative};
    args.values = values.data();
    const WorstOf plain(args, Backend::kCpu);
    const WorstOf fast(args, Backend::kMetal);
    CHECK(test::Worst(fast.depth, plain.depth, series, 1) == 0, "%s", what);
    CHECK(fast.start == plain.start && fast.trough == plain.trough && fast.recovery == plain.recovery, "%s",
          what);
    // The bars need not be asked for.
    CheckParity(args, &MaxDrawdownArgs::depth, series, what);
  }
}

TEST("drawdowns on Metal have the bits of the CPU for every width, level, tie and gap") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t series : test::WidthsOf(kind)) {
      for (const int64_t bars : {1, 31, 200}) {
        CheckFalls(PanelOf(kind, bars, series, 3), bars, series,
                   test::Describe(kind, bars, series, 0).c_str());
      }
    }
  }
}

TEST("a fall of one part in ten million has the bits of the CPU") {
  constexpr int64_t kBars = 20000;
  std::vector<float> values = test::Normal<float>(kBars, 5);
  for (float& value : values) value = 100 + value * 1e-5F;
  CheckFalls(values, kBars, 1, "near its peak");
  // And numbers that are as small as f32 has them.
  for (float& value : values) value = (value - 99.9F) * 1e-38F;
  CheckFalls(values, kBars, 1, "denormal");
}

TEST("the deepest of falls that f32 cannot tell apart is that of the CPU") {
  constexpr int64_t kBars = 400;
  std::vector<float> values(kBars);
  float peak = 1;
  for (int64_t bar = 0; bar < kBars; bar += 2) {
    values[bar] = peak;
    values[bar + 1] = peak * 0.1F;
    peak *= 1.01F;
  }
  CheckFalls(values, kBars, 1, "equal falls");
}

TEST("drawdowns go on from piece to piece") {
  const std::vector<float> values = PanelOf(Kind32::kGaps, 900, 33, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) CheckFalls(values, 900, 33, "in pieces");
  CHECK(pieces.MoreThan(30));
}

}  // namespace
}  // namespace nautilus
