// Rolling covariance, correlation, regression, quantile and rank against the scalar reference on every SIMD
// target.
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/statistics/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::Fenced;
using test::OnEachTarget;
using test::OnePanel;
using test::TwoPanels;
using test::Walks;
using test::Worst;

// Runs a regression and its reference; the worst difference of its four answers.
template <typename T>
double Lines(RollingRegressionArgs args, const std::vector<T>* x, const std::vector<T>& y) {
  const auto count = static_cast<int64_t>(y.size());
  std::vector<Fenced<T>> fast(4, Fenced<T>(count, 3));
  std::vector<Fenced<T>> plain(4, Fenced<T>(count, 0));
  const auto aim = [&](std::vector<Fenced<T>>& out) {
    args.slope = out[0].data();
    args.intercept = out[1].data();
    args.r2 = out[2].data();
    args.residual = out[3].data();
  };
  args.dtype = test::Kind<T>();
  args.x = x == nullptr ? nullptr : x->data();
  args.y = y.data();
  aim(fast);
  double worst = cpu::RollingRegression(args) == Status::kOk ? 0 : std::numeric_limits<double>::infinity();
  aim(plain);
  cpu::reference::RollingRegression(args);
  for (int i = 0; i < 4; ++i) {
    if (!fast[i].Whole()) worst = std::numeric_limits<double>::infinity();
    worst = std::max(worst, Worst(fast[i], plain[i], count, 1000.0));
  }
  return worst;
}

TEST("rolling pairs agree with the reference for every width, window and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 2, 3, 7, 8, 9, 17, 33}) {
      for (const int64_t bars : {1, 5, 60}) {
        for (const int64_t window : {1, 2, 5, 11, 90}) {
          const auto seed = static_cast<uint32_t>(series * 1000 + bars * 10 + window);
          const bool gaps = seed % 3 != 0;
          const int64_t least = window > 2 ? 3 : 0;
          const auto x = Walks<double>(bars, series, seed, gaps);
          const auto y = Walks<double>(bars, series, seed + 50, gaps);
          const auto x32 = Walks<float>(bars, series, seed, gaps);
          const auto y32 = Walks<float>(bars, series, seed + 50, gaps);
          const RollingCovarianceArgs covariance{
              .bars = bars, .series = series, .window = window, .min_periods = least, .ddof = seed % 2};
          const RollingCorrelationArgs correlation{
              .bars = bars, .series = series, .window = window, .min_periods = least};
          const RollingRegressionArgs line{
              .bars = bars, .series = series, .window = window, .min_periods = least};
          const auto check = [&](const char* what, double far, double tolerance) {
            CHECK(far <= tolerance, "%s %s off by %g, series %d bars %d window %d", target, what, far,
                  static_cast<int>(series), static_cast<int>(bars), static_cast<int>(window));
          };
          check("covariance",
                TwoPanels(cpu::RollingCovariance, cpu::reference::RollingCovariance, covariance, x, y, 1),
                1e-9);
          check("covariance f32",
                TwoPanels(cpu::RollingCovariance, cpu::reference::RollingCovariance, covariance, x32, y32, 2),
                1e-6);
          check("correlation",
                TwoPanels(cpu::RollingCorrelation, cpu::reference::RollingCorrelation, correlation, x, y, 1),
                1e-9);
          check("correlation f32",
                TwoPanels(cpu::RollingCorrelation, cpu::reference::RollingCorrelation, correlation, x32, y32,
                          2),
                1e-6);
          check("regression", Lines(line, &x, y), 1e-9);
          check("trend", Lines<double>(line, nullptr, y), 1e-9);
          check("regression f32", Lines(line, &x32, y32), 1e-6);
          check("trend f32", Lines<float>(line, nullptr, y32), 1e-6);
        }
      }
    }
  });
}

TEST("a rolling line writes only what is wanted, and finds a line that is there") {
  constexpr int64_t kBars = 50;
  std::vector<double> x(kBars);
  std::vector<double> y(kBars);
  for (int64_t bar = 0; bar < kBars; ++bar) {
    x[bar] = 1e6 + std::sin(static_cast<double>(bar));
    y[bar] = 3 - 2 * x[bar];
  }
  std::vector<double> slope(kBars);
  RollingRegressionArgs args{
      .bars = kBars, .series = 1, .window = 10, .y = y.data(), .x = x.data(), .slope = slope.data()};
  CHECK(cpu::RollingRegression(args) == Status::kOk);
  for (int64_t bar = 9; bar < kBars; ++bar) CHECK(std::abs(slope[bar] + 2) < 1e-8, "%g", slope[bar]);
}

TEST(
    "rolling quantile and rank have the bits of the reference for every width, window, tie and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 3, 8, 17}) {
      for (const int64_t bars : {1, 7, 200}) {
        for (const int64_t window : {1, 2, 9, 60, 130, 300}) {
          const auto seed = static_cast<uint32_t>(series * 1000 + bars * 10 + window);
          const int64_t least = seed % 2 == 0 ? 1 : 0;
          auto f64 = Walks<double>(bars, series, seed, seed % 3 != 0);
          if (seed % 5 < 2) {  // many ties, and both zeros
            for (double& value : f64)
              value = std::isfinite(value) ? std::copysign(std::floor(value / 4) - 25, value - 100) : value;
          }
          const std::vector<float> f32(f64.begin(), f64.end());
          for (int method = 0; method < 5; ++method) {
            const RollingQuantileArgs args{.bars = bars,
                                           .series = series,
                                           .window = window,
                                           .min_periods = least,
                                           .probability = 0.25 * (seed % 5),
                                           .method = static_cast<RollingQuantileArgs::Method>(method)};
            const double far =
                OnePanel(cpu::RollingQuantile, cpu::reference::RollingQuantile, args, f64, 1, 1.0);
            CHECK(far == 0, "%s quantile off by %g", target, far);
            const double far32 =
                OnePanel(cpu::RollingQuantile, cpu::reference::RollingQuantile, args, f32, 1, 1.0);
            CHECK(far32 == 0, "%s quantile f32 off by %g", target, far32);
          }
          for (int ties = 0; ties < 3; ++ties) {
            const RollingRankArgs args{.bars = bars,
                                       .series = series,
                                       .window = window,
                                       .min_periods = least,
                                       .ties = static_cast<RollingRankArgs::Ties>(ties),
                                       .percent = seed % 2 == 0};
            const double far = OnePanel(cpu::RollingRank, cpu::reference::RollingRank, args, f64, 2, 1.0);
            CHECK(far == 0, "%s rank off by %g", target, far);
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace nautilus
