// Quantiles, order statistics, histograms and the triad on Metal have the bits of the CPU.
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

void CheckSelection(const std::vector<float>& values, int64_t bars, int64_t series, const char* what) {
  const double at[] = {0, 0.05, 1.0 / 3, 0.5, 0.95, 1};
  for (int method = 0; method < 5; ++method) {
    QuantilesArgs args{.bars = bars, .series = series, .probabilities = 6};
    args.method = static_cast<QuantilesArgs::Method>(method);
    args.values = values.data();
    args.at = at;
    CheckParity(args, &QuantilesArgs::out, 6 * series, what);
  }
  for (const int64_t nth : {int64_t{0}, bars / 2, bars - 1, bars}) {
    NthSmallestArgs args{.bars = bars, .series = series, .nth = nth};
    args.values = values.data();
    CheckParity(args, &NthSmallestArgs::out, series, what);
  }
}

TEST("quantiles and order statistics on Metal have the bits of the CPU for every width, level, tie and gap") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t series : {1, kind == Kind32::kGaps && !test::Few() ? 40 : 7}) {
      for (const int64_t bars : {1, 31, 200}) {
        CheckSelection(PanelOf(kind, bars, series, 3), bars, series,
                       test::Describe(kind, bars, series, 0).c_str());
      }
    }
  }
  CheckSelection(PanelOf(Kind32::kGaps, 5000, 2, 3), 5000, 2, "long");
  CheckSelection(std::vector<float>(50, static_cast<float>(test::kNone)), 10, 5, "nothing there");
}

TEST("selections in many pieces have the same bits") {
  const std::vector<float> values = PanelOf(Kind32::kGaps, 50, 70, 3);
  const test::ShortPieces pieces;
  for (int round = 0; round < 2; ++round) CheckSelection(values, 50, 70, "in pieces");
  CHECK(pieces.MoreThan(100));
}

TEST("quantiles on Metal refuse a probability that is none, and name it") {
  const double at[] = {0.5, 1.5};
  QuantilesArgs args{.dtype = Dtype::kF32, .bars = 0, .series = 0, .probabilities = 2, .at = at};
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kInvalidOption && args.detail == 1);
}

// Counts of both backends, over the range of the data, over one that is given, and between edges.
void CheckCounts(const std::vector<float>& values, int64_t bins, const char* what) {
  std::vector<double> edges(bins + 1);
  for (int64_t i = 0; i <= bins; ++i) edges[i] = std::pow(static_cast<double>(bins - i) / 10, 2) - 1.1;
  for (int with = 0; with < 3; ++with) {
    std::vector<uint32_t> counts[2];
    std::vector<double> bounds[2];
    for (const Backend wanted : {Backend::kCpu, Backend::kMetal}) {
      HistogramArgs args{.dtype = Dtype::kF32, .count = static_cast<int64_t>(values.size()), .bins = bins};
      if (with == 1) args.low = -1.5, args.high = 2.2;
      args.values = values.data();
      args.edges = with == 2 ? edges.data() : nullptr;
      std::vector<uint32_t>& own = counts[wanted == Backend::kMetal];
      own.assign(bins, 77);
      args.counts = own.data();
      bounds[wanted == Backend::kMetal].assign(bins + 1, -7);
      args.bounds = bounds[wanted == Backend::kMetal].data();
      Backend ran = wanted;
      CHECK(Run(ran, args) == Status::kOk && ran == wanted);
    }
    const bool same = counts[0] == counts[1] && bounds[0] == bounds[1];
    CHECK(test::Within(KernelId::kHistogram, same ? 0 : 1), "%s, %d bins, kind %d", what,
          static_cast<int>(bins), with);
  }
}

TEST("a histogram on Metal counts what that of the CPU counts, in few bins and in many") {
  for (const Kind32 kind : test::kKinds) {
    for (const int64_t count : {1, 100, 6000}) {
      const std::vector<float> values = PanelOf(kind, count, 1, 4);
      // As many bins as a group has room for are 2,048.
      for (const int64_t bins : {1, 7, 200, 2048, 3000}) {
        CheckCounts(values, bins, test::Describe(kind, count, 1, 0).c_str());
      }
    }
  }
  // Values at the very edges, which f32 has not all.
  std::vector<float> values(3701);
  for (size_t i = 0; i < values.size(); ++i) values[i] = -1.5F + static_cast<float>(i) * 0.001F;
  for (const int64_t bins : {37, 370, 3700}) CheckCounts(values, bins, "edges");
  const test::ShortPieces pieces;
  const std::vector<float> many = PanelOf(Kind32::kGaps, 40000, 1, 4);
  for (int round = 0; round < 2; ++round) CheckCounts(many, 200, "in pieces");
}

TEST("a histogram on Metal refuses what that of the CPU refuses") {
  const float value = 1;
  uint32_t counts[2];
  const double edges[] = {0, 2, test::kNone};
  HistogramArgs args{.dtype = Dtype::kF32, .count = 1, .bins = 2};
  args.values = &value;
  args.counts = counts;
  args.edges = edges;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kInvalidOption && args.detail == 2);
  args.edges = nullptr;
  args.low = 3;
  args.high = 2;
  CHECK(Run(backend, args) == Status::kInvalidOption && args.detail == -1);
}

TEST("the triad on Metal has the bits of the CPU") {
  for (const int64_t length : {1, 7, 1000, 70000}) {
    const std::vector<float> b = PanelOf(Kind32::kTies, length, 1, 4);
    const std::vector<float> c = PanelOf(Kind32::kWhole, length, 1, 5);
    TriadArgs args{.length = length, .scalar = 0.1};
    args.b = b.data();
    args.c = c.data();
    CheckParity(args, &TriadArgs::out, length, "triad");
  }
}

}  // namespace
}  // namespace nautilus
