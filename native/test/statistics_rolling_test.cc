// Rolling sums, extremes and moments against the scalar reference on every SIMD target, and where others lose
// digits.
#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/statistics/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::OnEachTarget;
using test::OnePanel;
using test::Walks;

// Calls visit(name, kernel, reference, arguments, tolerance of f64) for each kernel.
template <class Visit>
void OnEachKernel(int64_t bars, int64_t series, int64_t window, int64_t min_periods, const Visit& visit) {
#define NAUTILUS_VISIT(Name, tolerance, ...)                                                                 \
  visit(                                                                                                     \
      #Name, cpu::Name, cpu::reference::Name,                                                                \
      Name##Args{.bars = bars, .series = series, .window = window, .min_periods = min_periods, __VA_ARGS__}, \
      tolerance)
  NAUTILUS_VISIT(RollingSum, 1e-12, );
  NAUTILUS_VISIT(RollingMean, 1e-12, );
  NAUTILUS_VISIT(RollingMin, 0, );
  NAUTILUS_VISIT(RollingMax, 0, );
  NAUTILUS_VISIT(RollingVar, 1e-9, .ddof = 1);
  NAUTILUS_VISIT(RollingVar, 1e-9, .ddof = 0);
  NAUTILUS_VISIT(RollingStd, 1e-9, .ddof = 1);
  NAUTILUS_VISIT(RollingSkew, 1e-9, );
  NAUTILUS_VISIT(RollingKurtosis, 1e-9, );
#undef NAUTILUS_VISIT
}

TEST("rolling statistics agree with the reference for every width, alignment, gap and SIMD target") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 65}) {
      for (const int64_t bars : {1, 2, 7, 33}) {
        for (const int64_t window : {1, 2, 3, 7, 8, 40}) {
          const auto seed = static_cast<uint32_t>(series * 1000 + bars * 10 + window);
          const bool gaps = seed % 3 != 0;
          const auto f64 = Walks<double>(bars, series, seed, gaps);
          const auto f32 = Walks<float>(bars, series, seed, gaps);
          const int64_t shift = seed % 6;
          OnEachKernel(
              bars, series, window, seed % 4 < window ? seed % 4 : 0,
              [&](const char* name, auto kernel, auto reference, const auto& args, double tolerance) {
                const double far = OnePanel(kernel, reference, args, f64, shift, 1.0);
                CHECK(far <= tolerance, "%s %s f64 off by %g", target, name, far);
                const double far32 = OnePanel(kernel, reference, args, f32, shift, 1.0);
                CHECK(far32 <= (tolerance == 0 ? 0 : 1e-6), "%s %s f32 off by %g", target, name, far32);
              });
        }
      }
    }
  });
}

TEST("rolling statistics of one long series agree with the reference") {
  OnEachTarget([](const char* target) {
    for (const int64_t window : {1, 2, 13, 64, 400, 1200}) {
      for (const int64_t series : {1, 3}) {
        const auto values = Walks<double>(1500, series, 9, true);
        OnEachKernel(1500, series, window, 1,
                     [&](const char* name, auto kernel, auto reference, const auto& args, double tolerance) {
                       const double far = OnePanel(kernel, reference, args, values, 1, 1.0);
                       CHECK(far <= tolerance, "%s %s off by %g", target, name, far);
                     });
      }
    }
  });
}

TEST("a variance of 1e-6 on prices of 1e9 keeps ten digits, also after a crash to 1e6") {
  OnEachTarget([](const char* target) {
    constexpr int64_t kBars = 3000;
    for (const int64_t series : {1, 16}) {
      auto values = test::Normal<double>(kBars * series, 5);
      for (double& value : values) value = 1e6 + 1e-3 * value;
      for (int64_t i = 0; i < 500 * series; ++i) values[i] += 1e9;
      RollingVarArgs args{.bars = kBars, .series = series, .window = 60, .ddof = 1};
      // No floor: the difference is relative to each variance, from two passes over its window.
      const double far = OnePanel(cpu::RollingVar, cpu::reference::RollingVar, args, values, 0, 0.0);
      CHECK(far < 1e-10, "%s off by %g", target, far);
    }
  });
}

TEST("a flat window has a variance of exactly 0, whatever came before") {
  OnEachTarget([](const char* target) {
    for (const int64_t series : {1, 16}) {
      auto values = test::Normal<double>(400 * series, 6);
      for (int64_t i = 0; i < 200 * series; ++i) values[i] *= 1e8;
      for (int64_t i = 200 * series; i < 400 * series; ++i) values[i] = 0.1;
      std::vector<double> out(values.size());
      RollingVarArgs args{
          .bars = 400, .series = series, .window = 21, .ddof = 1, .values = values.data(), .out = out.data()};
      CHECK(cpu::RollingVar(args) == Status::kOk);
      for (int64_t i = 220 * series; i < 400 * series; ++i) CHECK(out[i] == 0, "%s %g", target, out[i]);
    }
  });
}

TEST("rolling statistics have the same bits for any number of threads and any neighbours") {
  constexpr int64_t kBars = 4000;
  constexpr int64_t kSeries = 70;
  const auto values = Walks<double>(kBars, kSeries, 7, true);
  std::vector<double> one(values.size());
  std::vector<double> many(values.size());
  RollingStdArgs args{.bars = kBars, .series = kSeries, .window = 50, .min_periods = 2, .ddof = 1};
  args.values = values.data();
  const int threads = KernelThreads();
  SetKernelThreads(1);
  args.out = one.data();
  CHECK(cpu::RollingStd(args) == Status::kOk);
  SetKernelThreads(4);
  args.out = many.data();
  CHECK(cpu::RollingStd(args) == Status::kOk);
  CHECK(std::memcmp(one.data(), many.data(), one.size() * sizeof(double)) == 0);
  // A series alone goes over its own blocks instead of over its neighbours.
  std::vector<double> series(kBars);
  std::vector<double> alone(kBars);
  for (int64_t bar = 0; bar < kBars; ++bar) series[bar] = values[bar * kSeries + 33];
  args.series = 1;
  args.values = series.data();
  args.out = alone.data();
  CHECK(cpu::RollingStd(args) == Status::kOk);
  int different = 0;
  for (int64_t bar = 0; bar < kBars; ++bar) {
    different += std::memcmp(&alone[bar], &one[bar * kSeries + 33], sizeof(double)) != 0;
  }
  CHECK(different == 0, "%d bars differ", different);
  SetKernelThreads(threads);
}

TEST("a cancelled rolling kernel says so") {
  const auto values = Walks<double>(100, 4, 8, false);
  std::vector<double> out(values.size());
  const std::atomic<uint32_t> cancel{1};
  RollingMeanArgs args{
      .bars = 100, .series = 4, .window = 5, .values = values.data(), .out = out.data(), .cancel = &cancel};
  CHECK(cpu::RollingMean(args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
