// Statistics along rows, and the order of rows, on Metal against the CPU.
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

void CheckRows(const std::vector<float>& values, int64_t bars, int64_t series, const char* what) {
  const int64_t count = bars * series;
  CrossRankArgs rank{.bars = bars, .series = series};
  rank.values = values.data();
  for (int ties = 0; ties < 4; ++ties) {
    rank.ties = static_cast<CrossRankArgs::Ties>(ties);
    for (const bool percent : {false, true}) {
      rank.percent = percent;
      CheckParity(rank, &CrossRankArgs::out, count, what);
    }
  }
  CrossZscoreArgs score{.bars = bars, .series = series};
  score.values = values.data();
  for (const int64_t ddof : {0, 1}) {
    score.ddof = ddof;
    CheckParity(score, &CrossZscoreArgs::out, count, what);
  }
  const std::pair<double, double> quantiles[] = {{0.01, 0.99}, {0.1, 0.85}, {0.5, 0.5}, {0, 1}};
  for (const auto& [lower, upper] : quantiles) {
    CrossWinsoriseArgs clip{.bars = bars, .series = series, .lower = lower, .upper = upper};
    clip.values = values.data();
    CheckParity(clip, &CrossWinsoriseArgs::out, count, what);
  }
}

void CheckOrder(const std::vector<float>& values, int64_t rows, int64_t count, const char* what) {
  for (const bool descending : {false, true}) {
    std::vector<uint32_t> order[2] = {std::vector<uint32_t>(rows * count),
                                      std::vector<uint32_t>(rows * count)};
    for (const Backend wanted : {Backend::kCpu, Backend::kMetal}) {
      ArgsortArgs args{.dtype = Dtype::kF32, .rows = rows, .count = count, .descending = descending};
      args.values = values.data();
      args.out = order[wanted == Backend::kMetal].data();
      Backend ran = wanted;
      CHECK(Run(ran, args) == Status::kOk && ran == wanted);
    }
    CHECK(test::Within(KernelId::kArgsort, order[0] == order[1] ? 0 : 1), "argsort: %s", what);
  }
}

TEST("statistics along rows on Metal agree with the CPU for every width, level, tie and gap") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t series : {1, 2, 7, 33, 130, 600}) {
      if (test::Few() && kind != Kind32::kGaps && series > 7) continue;
      const int64_t bars = series > 100 ? 3 : 11;
      const std::vector<float> values = PanelOf(kind, bars, series, static_cast<uint32_t>(series));
      const std::string what = test::Describe(kind, bars, series, 0);
      CheckRows(values, bars, series, what.c_str());
      CheckOrder(values, bars, series, what.c_str());
    }
  }
}

TEST("statistics along rows in many pieces have the same bits") {
  const std::vector<float> values = PanelOf(Kind32::kGaps, 150, 33, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 2; ++round) {
    CheckRows(values, 150, 33, "in pieces");
    CheckOrder(values, 150, 33, "in pieces");
  }
  CHECK(pieces.MoreThan(100));
}

TEST("winsorising on Metal refuses quantiles in the wrong order") {
  CrossWinsoriseArgs args{.dtype = Dtype::kF32, .bars = 0, .series = 0, .lower = 0.9, .upper = 0.1};
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kInvalidOption && backend == Backend::kMetal);
}

}  // namespace
}  // namespace nautilus
