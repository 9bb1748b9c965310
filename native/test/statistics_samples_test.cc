// Selection, sorting, histograms, drawdowns and distances between samples against the scalar reference.
#include <cmath>
#include <vector>

#include "core/kernel_table.h"
#include "cpu/statistics/reference.h"
#include "test/check.h"
#include "test/statistics_testing.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using test::Kind;
using test::OnEachTarget;
using test::Worst;

// Normal values; by seed rounded to many ties, with gaps, or sorted.
template <typename T>
std::vector<T> Draws(int64_t count, uint32_t seed) {
  std::vector<T> values = test::Normal<T>(count, seed);
  for (size_t i = 0; i < values.size(); ++i) {
    if (seed % 2 == 0) values[i] = std::round(values[i] * 8) / 8;
    if (seed % 3 != 0 && (i * 7 + seed) % 11 == 0) values[i] = static_cast<T>(test::kNone);
    if (seed % 3 != 0 && (i * 5 + seed) % 29 == 0) values[i] = -std::numeric_limits<T>::infinity();
  }
  if (seed % 5 == 0)
    std::sort(values.begin(), values.end(), [](T a, T b) { return a < b || (a == a && b != b); });
  return values;
}

template <typename T>
void CheckSelection(const char* target, int64_t bars, int64_t series, uint32_t seed) {
  const std::vector<T> values = Draws<T>(bars * series, seed);
  for (const int64_t few : {3, 12}) {
    std::vector<double> at(few);
    for (int64_t i = 0; i < few; ++i) at[i] = static_cast<double>(i) / static_cast<double>(few - 1);
    for (int method = 0; method < 5; ++method) {
      std::vector<T> fast(few * series);
      std::vector<T> plain(few * series);
      QuantilesArgs args{.dtype = Kind<T>(),
                         .bars = bars,
                         .series = series,
                         .probabilities = few,
                         .method = static_cast<QuantilesArgs::Method>(method),
                         .values = values.data(),
                         .at = at.data(),
                         .out = fast.data()};
      CHECK(cpu::Quantiles(args) == Status::kOk);
      args.out = plain.data();
      cpu::reference::Quantiles(args);
      CHECK(Worst(fast, plain, few * series, 1.0) == 0, "%s bars %d series %d seed %u", target,
            static_cast<int>(bars), static_cast<int>(series), seed);
    }
  }
  for (const int64_t nth : {int64_t{0}, bars / 2, bars - 1}) {
    std::vector<T> fast(series);
    std::vector<T> plain(series);
    NthSmallestArgs args{
        .dtype = Kind<T>(), .bars = bars, .series = series, .nth = nth, .values = values.data()};
    args.out = fast.data();
    CHECK(cpu::NthSmallest(args) == Status::kOk);
    args.out = plain.data();
    cpu::reference::NthSmallest(args);
    CHECK(Worst(fast, plain, series, 1.0) == 0, "%s nth %d", target, static_cast<int>(nth));
  }
}

TEST("quantiles and order statistics are those of the sorted values, on every SIMD target") {
  OnEachTarget([](const char* target) {
    for (uint32_t seed = 1; seed <= 5; ++seed) {
      for (const int64_t series : {1, 3, 9, 17}) CheckSelection<double>(target, 50, series, seed);
      CheckSelection<float>(target, 1, 1, seed);
      CheckSelection<float>(target, 200, 17, seed);
      CheckSelection<double>(target, 40000, 1, seed);
      CheckSelection<float>(target, 40000, 1, seed);
    }
  });
}

TEST("quantiles refuse a probability that is none, and name it") {
  const double at[] = {0.5, 1.5};
  QuantilesArgs args{.bars = 0, .series = 0, .probabilities = 2, .at = at};
  CHECK(cpu::Quantiles(args) == Status::kInvalidOption && args.detail == 1);
}

template <typename T>
void CheckOrder(const char* target, int64_t rows, int64_t count, uint32_t seed) {
  const std::vector<T> values = Draws<T>(rows * count, seed);
  std::vector<uint32_t> fast(rows * count);
  std::vector<uint32_t> plain(rows * count);
  for (const bool descending : {false, true}) {
    ArgsortArgs args{
        .dtype = Kind<T>(), .rows = rows, .count = count, .descending = descending, .values = values.data()};
    args.out = fast.data();
    CHECK(cpu::Argsort(args) == Status::kOk);
    args.out = plain.data();
    cpu::reference::Argsort(args);
    CHECK(fast == plain, "%s rows %d count %d seed %u", target, static_cast<int>(rows),
          static_cast<int>(count), seed);
  }
}

TEST("argsort is the stable order with NaN last, on every SIMD target") {
  OnEachTarget([](const char* target) {
    for (uint32_t seed = 1; seed <= 5; ++seed) {
      for (const int64_t count : {0, 1, 2, 47, 48, 49, 300, 1000}) {
        CheckOrder<double>(target, 3, count, seed);
        CheckOrder<float>(target, 3, count, seed);
      }
    }
  });
  CheckOrder<double>("long", 1, 300000, 2);  // pieces on threads, merged
  CheckOrder<float>("long", 2, 270001, 4);
}

TEST("a histogram counts each value in the bin whose edges hold it") {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    for (const int64_t bins : {1, 7, 200}) {
      const auto values = Draws<double>(5000, seed);
      std::vector<double> edges(bins + 1);
      for (int64_t i = 0; i <= bins; ++i) edges[i] = std::pow(static_cast<double>(i) / 10, 2) - 1;
      for (int with = 0; with < 3; ++with) {
        std::vector<uint32_t> fast(bins);
        std::vector<uint32_t> plain(bins);
        std::vector<double> bounds(bins + 1);
        HistogramArgs args{
            .count = 5000, .bins = bins, .low = with == 1 ? -1.5 : 0, .high = with == 1 ? 2.25 : 0};
        args.values = values.data();
        args.edges = with == 2 ? edges.data() : nullptr;
        args.counts = fast.data();
        args.bounds = bounds.data();
        CHECK(cpu::Histogram(args) == Status::kOk);
        args.counts = plain.data();
        cpu::reference::Histogram(args);
        CHECK(fast == plain, "seed %u bins %d kind %d", seed, static_cast<int>(bins), with);
      }
    }
  }
  const double missing[] = {0, 2, test::kNone};
  HistogramArgs args{.bins = 2, .edges = missing};
  CHECK(cpu::Histogram(args) == Status::kInvalidOption && args.detail == 2);
}

template <typename T>
void CheckFalls(const char* target, int64_t bars, int64_t series, uint32_t seed) {
  std::vector<T> values = test::Walks<T>(bars, series, seed, seed % 2 == 0);
  if (seed % 3 == 0) {
    for (T& value : values) value = std::round(value - 100);  // through zero, with ties
  }
  const int64_t count = bars * series;
  for (const bool relative : {false, true}) {
    std::vector<T> fast(count), plain(count), depth(series), depths(series);
    DrawdownArgs all{
        .dtype = Kind<T>(), .bars = bars, .series = series, .relative = relative, .values = values.data()};
    all.out = fast.data();
    CHECK(cpu::Drawdown(all) == Status::kOk);
    all.out = plain.data();
    cpu::reference::Drawdown(all);
    CHECK(Worst(fast, plain, count, 1.0) == 0, "%s series %d", target, static_cast<int>(series));
    std::vector<uint32_t> a[3], b[3];
    for (int i = 0; i < 3; ++i) a[i].resize(series), b[i].resize(series);
    MaxDrawdownArgs worst{
        .dtype = Kind<T>(), .bars = bars, .series = series, .relative = relative, .values = values.data()};
    worst.depth = depth.data();
    worst.start = a[0].data();
    worst.trough = a[1].data();
    worst.recovery = a[2].data();
    CHECK(cpu::MaxDrawdown(worst) == Status::kOk);
    worst.depth = depths.data();
    worst.start = b[0].data();
    worst.trough = b[1].data();
    worst.recovery = b[2].data();
    cpu::reference::MaxDrawdown(worst);
    CHECK(Worst(depth, depths, series, 1.0) == 0, "%s depth, seed %u", target, seed);
    for (int i = 0; i < 3; ++i)
      CHECK(a[i] == b[i], "%s bar %d, seed %u series %d", target, i, seed, static_cast<int>(series));
  }
}

TEST("drawdowns, their worst and its bars are those of the reference for every width and SIMD target") {
  OnEachTarget([](const char* target) {
    for (uint32_t seed = 1; seed <= 6; ++seed) {
      for (const int64_t series : {1, 2, 7, 8, 17, 70}) {
        for (const int64_t bars : {1, 31, 32, 100}) {
          CheckFalls<double>(target, bars, series, seed);
          CheckFalls<float>(target, bars, series, seed);
        }
      }
    }
  });
}

TEST("Kolmogorov-Smirnov and stability agree with their definitions, exact and asymptotic") {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    const auto a = Draws<double>(300, seed);
    auto b = Draws<double>(200, seed + 7);
    for (double& value : b) value += 0.02 * seed;
    double fast[2], plain[2];
    for (const auto method : {KsTwoSampleArgs::Method::kAuto, KsTwoSampleArgs::Method::kAsymptotic}) {
      KsTwoSampleArgs args{.n = 300, .m = 200, .method = method, .a = a.data(), .b = b.data()};
      args.statistic = fast;
      args.p_value = fast + 1;
      CHECK(cpu::KsTwoSample(args) == Status::kOk);
      args.statistic = plain;
      args.p_value = plain + 1;
      cpu::reference::KsTwoSample(args);
      CHECK(std::abs(fast[0] - plain[0]) < 1e-15, "%g %g", fast[0], plain[0]);
      CHECK(std::abs(fast[1] - plain[1]) < 1e-12, "%g %g", fast[1], plain[1]);
    }
    for (const auto cuts :
         {PopulationStabilityArgs::Cuts::kQuantile, PopulationStabilityArgs::Cuts::kWidth}) {
      PopulationStabilityArgs args{.expected = 300, .actual = 200, .bins = 8, .cuts = cuts, .floor = 1e-4};
      args.expected_values = a.data();
      args.actual_values = b.data();
      args.psi = fast;
      CHECK(cpu::PopulationStability(args) == Status::kOk);
      args.psi = plain;
      cpu::reference::PopulationStability(args);
      CHECK(std::abs(fast[0] - plain[0]) < 1e-12, "%g %g", fast[0], plain[0]);
    }
  }
}

}  // namespace
}  // namespace nautilus
