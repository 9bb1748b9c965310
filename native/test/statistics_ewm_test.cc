// Exponentially weighted statistics against their definition on every SIMD target.
#include <cmath>
#include <limits>
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
using test::TwoPanels;
using test::Walks;

template <class Args>
Args Fill(int64_t bars, int64_t series, double alpha, uint32_t bits) {
  Args args{};
  args.bars = bars;
  args.series = series;
  args.alpha = alpha;
  args.adjust = bits % 2 == 0;
  args.ignore_na = bits / 2 % 2 == 0;
  args.min_periods = bits / 8 % 2 == 0 ? 0 : 4;
  if constexpr (requires { args.bias; }) args.bias = bits / 4 % 2 == 0;
  return args;
}

TEST(
    "exponentially weighted statistics agree with their definition for every width, gap, rule and SIMD "
    "target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 2, 3, 5, 8, 9, 17, 67}) {
      for (const int64_t bars : {1, 2, 34}) {
        for (const double alpha : {0.01, 0.3, 1.0}) {
          for (uint32_t bits = 0; bits < 16; ++bits) {
            if (series > 8 && bits % 5 != 0) continue;
            const auto x = Walks<double>(bars, series, bits + 1, bits % 3 != 0);
            const auto y = Walks<double>(bars, series, bits + 90, bits % 3 != 0);
            const auto x32 = Walks<float>(bars, series, bits + 1, bits % 3 != 0);
            const auto y32 = Walks<float>(bars, series, bits + 90, bits % 3 != 0);
            const auto check = [&](const char* what, double far, double tolerance) {
              CHECK(far <= tolerance, "%s %s off by %g, series %d bars %d alpha %g rule %u", target, what,
                    far, static_cast<int>(series), static_cast<int>(bars), alpha, bits);
            };
#define NAUTILUS_ONE(Name)                                                                                   \
  check(#Name,                                                                                               \
        OnePanel(cpu::Name, cpu::reference::Name, Fill<Name##Args>(bars, series, alpha, bits), x, 2, 1.0),   \
        1e-10);                                                                                              \
  check(#Name " f32",                                                                                        \
        OnePanel(cpu::Name, cpu::reference::Name, Fill<Name##Args>(bars, series, alpha, bits), x32, 1, 1.0), \
        1e-6);
#define NAUTILUS_TWO(Name)                                                                                  \
  check(#Name,                                                                                              \
        TwoPanels(cpu::Name, cpu::reference::Name, Fill<Name##Args>(bars, series, alpha, bits), x, y, 2),   \
        1e-10);                                                                                             \
  check(                                                                                                    \
      #Name " f32",                                                                                         \
      TwoPanels(cpu::Name, cpu::reference::Name, Fill<Name##Args>(bars, series, alpha, bits), x32, y32, 1), \
      1e-6);
            NAUTILUS_ONE(EwmMean)
            NAUTILUS_ONE(EwmVar)
            NAUTILUS_ONE(EwmStd)
            NAUTILUS_TWO(EwmCovariance)
            NAUTILUS_TWO(EwmCorrelation)
#undef NAUTILUS_ONE
#undef NAUTILUS_TWO
          }
        }
      }
    }
  });
}

TEST("an exponentially weighted mean of a constant is that constant, and its variance 0") {
  OnEachTarget([](const char* target) {
    const std::vector<double> values(500, 0.1);
    std::vector<double> mean(500);
    std::vector<double> var(500);
    EwmMeanArgs means{
        .bars = 500, .series = 1, .alpha = 0.3, .adjust = true, .values = values.data(), .out = mean.data()};
    EwmVarArgs vars{
        .bars = 500, .series = 1, .alpha = 0.3, .adjust = true, .values = values.data(), .out = var.data()};
    CHECK(cpu::EwmMean(means) == Status::kOk && cpu::EwmVar(vars) == Status::kOk);
    for (int bar = 1; bar < 500; ++bar) CHECK(mean[bar] == 0.1 && var[bar] == 0, "%s bar %d", target, bar);
  });
}

}  // namespace
}  // namespace nautilus
