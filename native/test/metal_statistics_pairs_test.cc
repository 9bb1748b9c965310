// Rolling covariance, correlation and regression on Metal against the CPU.
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

struct Case {
  Kind32 x_kind, y_kind;
  int64_t bars, series, window, least;
};

void CheckPairs(const Case& c, const char* what) {
  const std::vector<float> x = PanelOf(c.x_kind, c.bars, c.series, 5);
  const std::vector<float> y = PanelOf(c.y_kind, c.bars, c.series, 9);
  const int64_t count = c.bars * c.series;
  RollingCovarianceArgs covariance{
      .bars = c.bars, .series = c.series, .window = c.window, .min_periods = c.least};
  covariance.x = x.data();
  covariance.y = y.data();
  for (const int64_t ddof : {0, 1}) {
    covariance.ddof = ddof;
    CheckParity(covariance, &RollingCovarianceArgs::out, count, what);
  }
  RollingCorrelationArgs correlation{
      .bars = c.bars, .series = c.series, .window = c.window, .min_periods = c.least};
  correlation.x = x.data();
  correlation.y = y.data();
  CheckParity(correlation, &RollingCorrelationArgs::out, count, what);
  for (const void* const over : {static_cast<const void*>(x.data()), static_cast<const void*>(nullptr)}) {
    // Each output is compared while the others are asked for as well.
    RollingRegressionArgs line{
        .bars = c.bars, .series = c.series, .window = c.window, .min_periods = c.least};
    line.y = y.data();
    line.x = over;
    std::vector<float> others[4];
    void* RollingRegressionArgs::*const outs[] = {
        &RollingRegressionArgs::slope, &RollingRegressionArgs::intercept, &RollingRegressionArgs::r2,
        &RollingRegressionArgs::residual};
    for (int i = 0; i < 4; ++i) {
      others[i].resize(count);
      line.*outs[i] = others[i].data();
    }
    // Relative to the spread of the values.
    for (const auto out : outs) CheckParity(line, out, count, what, c.y_kind == Kind32::kHuge ? 1e25 : 1);
  }
}

TEST("rolling pairs on Metal agree with the CPU for every width, window, level and gap") {
  const std::pair<Kind32, Kind32> kinds[] = {
      {Kind32::kWhole, Kind32::kWhole},   {Kind32::kGaps, Kind32::kGaps},
      {Kind32::kLevel, Kind32::kWhole},   {Kind32::kGaps, Kind32::kLevel},
      {Kind32::kConstant, Kind32::kGaps}, {Kind32::kWhole, Kind32::kConstant},
      {Kind32::kTies, Kind32::kTies},     {Kind32::kHuge, Kind32::kHuge}};
  for (const auto& [x, y] : kinds) {
    for (const int64_t series : test::WidthsOf(y)) {
      for (const int64_t window : {1, 2, 11, 90}) {
        for (const int64_t bars : {window / 2, window, int64_t{40}}) {
          CheckPairs({x, y, bars, series, window, window > 4 ? 3 : 0},
                     Describe(y, bars, series, window).c_str());
        }
      }
    }
  }
}

TEST("a rolling line on Metal writes only what is wanted, also in many pieces") {
  constexpr int64_t kBars = 500;
  const std::vector<float> y = PanelOf(Kind32::kGaps, kBars, 33, 5);
  RollingRegressionArgs line{.bars = kBars, .series = 33, .window = 20, .min_periods = 5};
  line.y = y.data();
  const test::ShortPieces pieces;
  for (int round = 0; round < 3; ++round)
    CheckParity(line, &RollingRegressionArgs::slope, kBars * 33, "alone");
}

}  // namespace
}  // namespace nautilus
