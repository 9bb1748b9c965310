// Ranks, z-scores, winsorising and neutralising along rows against the scalar reference on every SIMD target.
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/statistics/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::OnEachTarget;
using test::OnePanel;

template <typename T>
std::vector<T> Scores(int64_t bars, int64_t series, uint32_t seed) {
  std::vector<T> values = test::Normal<T>(bars * series, seed);
  for (size_t i = 0; i < values.size(); ++i) {
    if (seed % 2 == 0) values[i] = std::round(values[i] * 4);
    if (seed % 3 != 0 && (i * 7 + seed) % 11 == 0) values[i] = static_cast<T>(test::kNone);
    if (seed % 5 == 0 && (i * 5 + seed) % 23 == 0) values[i] = std::numeric_limits<T>::infinity();
  }
  return values;
}

template <typename T>
void CheckRows(const char* target, int64_t bars, int64_t series, uint32_t seed, double loose) {
  const std::vector<T> values = Scores<T>(bars, series, seed);
  const auto check = [&](const char* what, double far, double tolerance) {
    CHECK(far <= tolerance, "%s %s off by %g, series %d seed %u", target, what, far, static_cast<int>(series),
          seed);
  };
  for (int ties = 0; ties < 4; ++ties) {
    const CrossRankArgs rank{.bars = bars,
                             .series = series,
                             .ties = static_cast<CrossRankArgs::Ties>(ties),
                             .percent = seed % 2 == 0};
    check("rank", OnePanel(cpu::CrossRank, cpu::reference::CrossRank, rank, values, 1, 1.0), 0);
  }
  const CrossZscoreArgs score{.bars = bars, .series = series, .ddof = seed % 2};
  check("z-score", OnePanel(cpu::CrossZscore, cpu::reference::CrossZscore, score, values, 2, 1.0),
        loose == 0 ? 1e-11 : 1e-6);
  const CrossWinsoriseArgs clip{.bars = bars, .series = series, .lower = 0.1, .upper = 0.85};
  check("winsorise", OnePanel(cpu::CrossWinsorise, cpu::reference::CrossWinsorise, clip, values, 3, 1.0), 0);
  std::vector<int32_t> groups(series);
  for (int64_t i = 0; i < series; ++i) groups[i] = static_cast<int32_t>(i * 7 % 5) * 1000 - 1;
  std::vector<T> factors = test::Normal<T>(3 * bars * series, seed + 1);
  if (seed % 2 == 0) factors[0] = static_cast<T>(test::kNone);
  for (int64_t i = 0; i < bars * series; ++i)
    factors[2 * bars * series + i] = -2 * factors[i];  // explained already
  for (int with = 0; with < 4; ++with) {
    const CrossNeutraliseArgs args{.bars = bars,
                                   .series = series,
                                   .factors = with / 2 * 3,
                                   .groups = with % 2 == 0 ? nullptr : groups.data(),
                                   .regressors = with / 2 == 0 ? nullptr : factors.data()};
    check("neutralise", OnePanel(cpu::CrossNeutralise, cpu::reference::CrossNeutralise, args, values, 1, 1.0),
          loose == 0 ? 1e-9 : 1e-5);
  }
}

TEST("statistics along rows agree with the reference for every width, tie, gap and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 2, 3, 7, 8, 9, 31, 47, 48, 49, 130, 600}) {
      for (uint32_t seed = 1; seed <= 6; ++seed) {
        CheckRows<double>(target, series > 100 ? 3 : 7, series, seed, 0);
        CheckRows<float>(target, series > 100 ? 3 : 7, series, seed, 1);
      }
    }
  });
}

TEST("z-scores of a row around 1e9 with a spread of 1e-3 keep nine digits; of a flat row they are NaN") {
  OnEachTarget([](const char* target) {
    auto values = test::Normal<double>(200, 4);
    for (double& value : values) value = 1e9 + std::round(value * 1024) / (1 << 20);
    const CrossZscoreArgs args{.bars = 1, .series = 200, .ddof = 1};
    CHECK(OnePanel(cpu::CrossZscore, cpu::reference::CrossZscore, args, values, 0, 1.0) < 1e-9, "%s", target);
    std::vector<double> flat(9, 0.1);
    std::vector<double> out(9);
    CrossZscoreArgs flats{.bars = 1, .series = 9, .ddof = 0, .values = flat.data(), .out = out.data()};
    CHECK(cpu::CrossZscore(flats) == Status::kOk);
    for (const double value : out) CHECK(std::isnan(value));
  });
}

TEST("winsorising refuses quantiles in the wrong order") {
  CrossWinsoriseArgs args{.bars = 0, .series = 0, .lower = 0.9, .upper = 0.1};
  CHECK(cpu::CrossWinsorise(args) == Status::kInvalidOption);
}

}  // namespace
}  // namespace nautilus
