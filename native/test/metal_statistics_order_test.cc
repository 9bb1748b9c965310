// Rolling quantile and rank on Metal have the bits of the CPU.
#include <vector>

#include "core/kernel_table.h"
#include "test/check.h"
#include "test/metal_statistics_testing.h"

namespace nautilus {
namespace {

using test::CheckParity;
using test::Describe;
using test::Kind32;
using test::PanelOf;

void CheckOrder(const std::vector<float>& values, int64_t bars, int64_t series, int64_t window, int64_t least,
                const char* what) {
  const int64_t count = bars * series;
  RollingQuantileArgs quantile{.bars = bars, .series = series, .window = window, .min_periods = least};
  quantile.values = values.data();
  for (int method = 0; method < 5; ++method) {
    quantile.method = static_cast<RollingQuantileArgs::Method>(method);
    quantile.probability = method == 0 ? 0.95 : 0.35;
    CheckParity(quantile, &RollingQuantileArgs::out, count, what);
  }
  for (const double probability : {0.0, 0.1, 0.5, 1.0}) {
    quantile.method = RollingQuantileArgs::Method::kLinear;
    quantile.probability = probability;
    CheckParity(quantile, &RollingQuantileArgs::out, count, what);
  }
  RollingRankArgs rank{.bars = bars, .series = series, .window = window, .min_periods = least};
  rank.values = values.data();
  for (int ties = 0; ties < 3; ++ties) {
    rank.ties = static_cast<RollingRankArgs::Ties>(ties);
    rank.percent = ties != 1;
    CheckParity(rank, &RollingRankArgs::out, count, what);
  }
}

TEST("rolling quantile and rank on Metal have the bits of the CPU for every width, window, tie and gap") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t series : test::WidthsOf(kind)) {
      for (const int64_t window : {1, 9, 60}) {
        for (const int64_t bars : {window / 2, window, int64_t{70}}) {
          CheckOrder(PanelOf(kind, bars, series, 3), bars, series, window, window % 2 == 0 ? 1 : 0,
                     Describe(kind, bars, series, window).c_str());
        }
      }
    }
  }
}

TEST("an interpolation between neighbouring numbers rounds as two roundings of the CPU do") {
  // Ticks of a cent at 100, where parts of twentieths fall in the middle of two f32 time and again.
  constexpr int64_t kBars = 4000;
  const std::vector<float> draws = test::Normal<float>(kBars, 3);
  std::vector<float> values(kBars);
  for (int64_t i = 0; i < kBars; ++i) values[i] = 100 + std::round(draws[i] * 4) * 0x1p-17F;
  for (const int64_t window : {3, 5, 21, 41}) {
    for (int twentieth = 1; twentieth < 20; ++twentieth) {
      RollingQuantileArgs args{.bars = kBars, .series = 1, .window = window, .min_periods = 2};
      args.probability = twentieth * 0.05;
      args.values = values.data();
      CheckParity(args, &RollingQuantileArgs::out, kBars, "neighbours");
    }
  }
}

TEST("rolling quantile and rank in many pieces have the same bits") {
  const std::vector<float> values = PanelOf(Kind32::kGaps, 400, 33, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 2; ++round) CheckOrder(values, 400, 33, 20, 5, "in pieces");
}

}  // namespace
}  // namespace nautilus
