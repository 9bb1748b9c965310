// Quantiles, order statistics, histograms and the triad on the GPU; see
// native/metal/kernels/statistics_select.metal and statistics_histogram.metal.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/statistics_call.h"
#include "metal/host/statistics.h"
#include "metal/host/statistics_panel.h"

namespace nautilus::metal {
namespace {

// As in statistics_select.metal.
struct SelectionParams {
  uint32_t rows;
  uint32_t columns;
  uint32_t first = 0;
  uint32_t items = 0;
  uint32_t method = 0;
  uint32_t nth = 0;
};
// As in statistics_histogram.metal.
struct HistogramParams {
  uint32_t count;
  uint32_t bins;
  uint32_t first_chunk = 0;
  float last;
};
struct TriadParams {
  uint32_t length;
  uint32_t first = 0;
  float scalar;
};
constexpr uint64_t kGroup = 256;
constexpr uint64_t kLanes = 32;
constexpr uint64_t kChunk = 4096;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
// One simdgroup goes through a series, five times; all series at once must keep the device busy.
constexpr int64_t kMostBars = int64_t{1} << 21;
// From about this many quantiles of a series on, one sort is cheaper.
constexpr int64_t kMostQuantiles = 32;
constexpr int64_t kMostValues = int64_t{1} << 31;

// A simdgroup for each item, which goes through one series.
Work SelectionsWork(const char* kernel, uint64_t items, SelectionParams& p, std::span<const Binding> bindings,
                    CancelFlag cancel) {
  return {.kernel = kernel,
          .bindings = bindings,
          .items = items,
          .weight = kLanes + uint64_t{p.rows} * 8,
          .piece =
              [&p](uint64_t first, uint64_t count) {
                p.first = static_cast<uint32_t>(first);
                p.items = static_cast<uint32_t>(first + count);
                return Launch{.width = count * kLanes, .group_width = kGroup, .group_height = 1};
              },
          .cancel = cancel};
}

// The smallest f32 that is no smaller, and the largest that is no larger: an f32 compares with them as with
// `edge` itself.
float RoundedUp(double edge) {
  const auto near = static_cast<float>(edge);
  return static_cast<double>(near) < edge ? std::nextafter(near, kInfinity) : near;
}
float RoundedDown(double edge) {
  const auto near = static_cast<float>(edge);
  return static_cast<double>(near) > edge ? std::nextafter(near, -kInfinity) : near;
}

}  // namespace

Task Quantiles(QuantilesArgs& args) {
  for (int64_t i = 0; i < args.probabilities; ++i) {
    if (args.at[i] >= 0 && args.at[i] <= 1) continue;
    args.detail = i;
    co_return Status::kInvalidOption;
  }
  if (args.series == 0 || args.probabilities == 0) co_return Status::kOk;
  if (args.bars == 0 || args.bars > kMostBars || args.probabilities > kMostQuantiles)
    co_return Status::kNoBackend;
  if (!Fits(args.bars, args.series * args.probabilities)) co_return Status::kNoBackend;
  SelectionParams p{.rows = static_cast<uint32_t>(args.bars),
                    .columns = static_cast<uint32_t>(args.series),
                    .method = static_cast<uint32_t>(args.method)};
  const int64_t items = args.series * args.probabilities;
  const Binding bindings[] = {
      Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, BytesOf(args.bars * args.series)),
      Binding::Input(args.at, static_cast<size_t>(args.probabilities) * sizeof(double)),
      Binding::Output(args.out, BytesOf(items))};
  const Work work = SelectionsWork("quantiles_f32", static_cast<uint64_t>(items), p, bindings, args.cancel);
  co_return co_await Device::Get().Later(work);
}

Task NthSmallest(NthSmallestArgs& args) {
  if (args.series == 0) co_return Status::kOk;
  if (args.bars == 0 || args.bars > kMostBars || !Fits(args.bars, args.series)) co_return Status::kNoBackend;
  SelectionParams p{.rows = static_cast<uint32_t>(args.bars),
                    .columns = static_cast<uint32_t>(args.series),
                    .nth = static_cast<uint32_t>(args.nth)};
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)),
                              Binding::Input(args.values, BytesOf(args.bars * args.series)),
                              Binding::Output(args.out, BytesOf(args.series))};
  const Work work =
      SelectionsWork("nth_smallest_f32", static_cast<uint64_t>(args.series), p, bindings, args.cancel);
  co_return co_await Device::Get().Later(work);
}

Task Histogram(HistogramArgs& args) {
  std::vector<double> edges(static_cast<size_t>(args.bins) + 1);
  const Status refused = cpu::HistogramEdges(args, edges.data());
  if (refused != Status::kOk) co_return refused;
  if (args.count == 0 || args.count >= kMostValues) co_return Status::kNoBackend;
  // Bins that are too narrow for f64 have an order that only the CPU's search knows.
  if (!std::is_sorted(edges.begin(), edges.end())) co_return Status::kNoBackend;
  std::vector<float> lower(static_cast<size_t>(args.bins));
  std::transform(edges.begin(), edges.end() - 1, lower.begin(), RoundedUp);
  HistogramParams p{.count = static_cast<uint32_t>(args.count),
                    .bins = static_cast<uint32_t>(args.bins),
                    .last = RoundedDown(edges.back())};
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.values, BytesOf(args.count)),
                              Binding::Input(lower.data(), BytesOf(args.bins)),
                              Binding::Result(args.counts, BytesOf(args.bins))};
  const uint64_t chunks = (static_cast<uint64_t>(args.count) + kChunk - 1) / kChunk;
  const Work work{.kernel = "histogram_f32",
                  .bindings = bindings,
                  .items = chunks,
                  .weight = kChunk * 2,
                  .piece =
                      [&p](uint64_t first, uint64_t count) {
                        p.first_chunk = static_cast<uint32_t>(first);
                        return Launch{.width = count * kGroup, .group_width = kGroup, .group_height = 1};
                      },
                  .cancel = args.cancel};
  const Status status = co_await Device::Get().Later(work);
  if (status == Status::kOk && args.bounds != nullptr) std::copy(edges.begin(), edges.end(), args.bounds);
  co_return status;
}

Task Triad(TriadArgs& args) {
  if (args.length == 0) co_return Status::kOk;
  if (args.length >= kMostValues) co_return Status::kNoBackend;
  TriadParams p{.length = static_cast<uint32_t>(args.length), .scalar = static_cast<float>(args.scalar)};
  const size_t each = BytesOf(args.length);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Input(args.b, each),
                              Binding::Input(args.c, each), Binding::Output(args.out, each)};
  const Work work{.kernel = "triad_f32",
                  .bindings = bindings,
                  .items = p.length,
                  .weight = 1,
                  .piece =
                      [&p](uint64_t first, uint64_t count) {
                        p.first = static_cast<uint32_t>(first);
                        return Launch{.width = count};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

}  // namespace nautilus::metal
