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

TEST("falls from and to the smallest numbers of f32, and beyond the largest, have the bits of the CPU") {
  CheckFalls({0x3p-149F, 0x1p-149F, 0x2p-149F}, 3, 1, "the smallest");
  CheckFalls({3e38F, -3e38F, 1}, 3, 1, "beyond the largest");
}

TEST("the bars of the worst drawdown are each written when only that one is wanted") {
  constexpr int64_t kSeries = 300;
  const std::vector<float> values = PanelOf(Kind32::kWhole, 60, kSeries, 3);
  MaxDrawdownArgs args{.dtype = Dtype::kF32, .bars = 60, .series = kSeries, .relative = true};
  args.values = values.data();
  const WorstOf all(args, Backend::kCpu);
  std::vector<float> depth(kSeries);
  args.depth = depth.data();
  const auto only = [&](auto MaxDrawdownArgs::*bar, const std::vector<uint32_t>& expected) {
    std::vector<uint32_t> bars(kSeries, 777);
    MaxDrawdownArgs one = args;
    one.*bar = bars.data();
    Backend ran = Backend::kMetal;
    CHECK(Run(ran, one) == Status::kOk && ran == Backend::kMetal);
    CHECK(bars == expected);
  };
  only(&MaxDrawdownArgs::start, all.start);
  only(&MaxDrawdownArgs::trough, all.trough);
  only(&MaxDrawdownArgs::recovery, all.recovery);
}

TEST("drawdowns go on from bar to bar when each is a piece, the first one too") {
  const std::vector<float> values = PanelOf(Kind32::kWhole, 12, 33, 9);
  const test::ShortPieces pieces;
  for (int round = 0; round < 12; ++round) CheckFalls(values, 12, 33, "bar by bar");
  const test::ShortPieces last;
  CheckFalls(values, 12, 33, "bar by bar");
  // All three kinds of a call, relative and not, in twelve pieces each.
  CHECK(last.MoreThan(6 * 12 - 1));
}

TEST("drawdowns go on from piece to piece") {
  const std::vector<float> values = PanelOf(Kind32::kGaps, 900, 33, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round) CheckFalls(values, 900, 33, "in pieces");
  CHECK(pieces.MoreThan(30));
}

}  // namespace
}  // namespace nautilus
