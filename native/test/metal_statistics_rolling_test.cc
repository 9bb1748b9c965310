// Rolling statistics on Metal against the CPU, which computes f32 in f64 and rounds once.
#include <vector>

#include "core/kernel_table.h"
#include "metal/host/device.h"
#include "test/check.h"
#include "test/metal_statistics_testing.h"

namespace nautilus {
namespace {

using metal::Device;
using test::CheckParity;
using test::Kind32;
using test::PanelOf;

template <class Args>
void CheckOne(Args args, const char* what) {
  CheckParity(args, &Args::out, args.bars * args.series, what);
}

// All rolling statistics of one panel.
void CheckAll(const std::vector<float>& values, int64_t bars, int64_t series, int64_t window, int64_t least,
              const char* what) {
#define NAUTILUS_CHECK(Name, ...)                                                                           \
  CheckOne(Name##Args{.bars = bars, .series = series, .window = window, .min_periods = least, __VA_ARGS__}, \
           what)
  const void* const in = values.data();
  NAUTILUS_CHECK(RollingSum, .values = in);
  NAUTILUS_CHECK(RollingMean, .values = in);
  NAUTILUS_CHECK(RollingMin, .values = in);
  NAUTILUS_CHECK(RollingMax, .values = in);
  NAUTILUS_CHECK(RollingVar, .ddof = 1, .values = in);
  NAUTILUS_CHECK(RollingVar, .ddof = 0, .values = in);
  NAUTILUS_CHECK(RollingStd, .ddof = 1, .values = in);
  NAUTILUS_CHECK(RollingSkew, .values = in);
  NAUTILUS_CHECK(RollingKurtosis, .values = in);
#undef NAUTILUS_CHECK
}

TEST("rolling statistics on Metal agree with the CPU for every width, window, level and gap") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t series : test::WidthsOf(kind)) {
      for (const int64_t window : {1, 4, 12, 90}) {
        for (const int64_t bars : {window / 2, window, int64_t{40}}) {
          const auto seed = static_cast<uint32_t>(series + window);
          CheckAll(PanelOf(kind, bars, series, seed), bars, series, window, window > 4 ? seed % 4 : 0,
                   test::Describe(kind, bars, series, window).c_str());
        }
      }
    }
  }
}

TEST("rolling statistics in many pieces have the bits of one") {
  constexpr int64_t kBars = 600;
  constexpr int64_t kSeries = 33;
  const std::vector<float> values = PanelOf(Kind32::kGaps, kBars, kSeries, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 2; ++round) CheckAll(values, kBars, kSeries, 20, 5, "in pieces");
  CHECK(pieces.MoreThan(40));
}

TEST("a window that is long for a GPU goes to the CPU") {
  const std::vector<float> values = PanelOf(Kind32::kWhole, 5000, 1, 3);
  std::vector<float> out(values.size());
  RollingMeanArgs args{.dtype = Dtype::kF32, .bars = 5000, .series = 1, .window = 4500};
  args.values = values.data();
  args.out = out.data();
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kOk && backend == Backend::kCpu);
  args.window = 4000;
  backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kOk && backend == Backend::kMetal);
}

}  // namespace
}  // namespace nautilus
