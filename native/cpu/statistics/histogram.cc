// Counts of values in bins.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "core/statistics_call.h"
#include "cpu/statistics/scratch.h"

namespace nautilus::cpu {
namespace {

// Edges of equal bins over [low, high].
void EvenEdges(double low, double high, int64_t bins, double* edges) {
  const double width = (high - low) / static_cast<double>(bins);
  for (int64_t i = 0; i < bins; ++i) edges[i] = low + static_cast<double>(i) * width;
  edges[bins] = high;
}

template <typename T>
void Range(const HistogramArgs& args, double& low, double& high) {
  const auto* values = static_cast<const T*>(args.values);
  low = std::numeric_limits<double>::infinity();
  high = -low;
  for (int64_t i = 0; i < args.count; ++i) {
    const double value = values[i];
    if (!std::isfinite(value)) continue;
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
  if (low > high) low = high = 0;
  if (low == high) {  // as numpy does for a range without width
    low -= 0.5;
    high += 0.5;
  }
}

// Adds the values to four tables in turn, so that neighbours of the same bin do not wait for one another.
// `place` may be one bin off, the edges decide.
template <typename T, class Place>
void Count(const T* values, int64_t count, const double* edges, int64_t bins, uint32_t* tables,
           const Place& place) {
  const double low = edges[0];
  const double high = edges[bins];
  for (int64_t i = 0; i < count; ++i) {
    const double value = values[i];
    if (!(value >= low && value <= high)) continue;
    int64_t bin = std::clamp<int64_t>(place(value), 0, bins - 1);
    bin -= value < edges[bin] ? 1 : 0;
    bin += bin + 1 < bins && value >= edges[bin + 1] ? 1 : 0;
    ++tables[i % 4 * bins + bin];
  }
}

template <typename T>
Status Fill(HistogramArgs& args, const double* edges, Outcome& outcome) {
  const int64_t bins = args.bins;
  const int64_t grain = std::max({int64_t{128} * 1024, 16 * bins, args.count / 64 + 1});
  const int64_t chunks = (args.count + grain - 1) / grain;
  const Scratch<uint32_t> tables(chunks * 4 * bins);
  if (!tables) throw std::bad_alloc();
  std::fill_n(tables.get(), chunks * 4 * bins, 0u);
  const double low = edges[0];
  const double scale = static_cast<double>(bins) / (edges[bins] - low);
  const bool even = args.edges == nullptr && std::isfinite(scale);
  ParallelFor(chunks, [&](int64_t chunk) {
    if (args.Cancelled()) return outcome.Cancelled();
    const T* values = static_cast<const T*>(args.values) + chunk * grain;
    const int64_t count = std::min(grain, args.count - chunk * grain);
    uint32_t* to = tables.get() + chunk * 4 * bins;
    if (even) {
      Count(values, count, edges, bins, to,
            [&](double value) { return static_cast<int64_t>((value - low) * scale); });
    } else {
      Count(values, count, edges, bins, to,
            [&](double value) { return std::upper_bound(edges, edges + bins, value) - edges - 1; });
    }
  });
  std::fill_n(args.counts, bins, 0u);
  for (int64_t table = 0; table < chunks * 4; ++table) {
    for (int64_t bin = 0; bin < bins; ++bin) args.counts[bin] += tables[table * bins + bin];
  }
  return outcome.Take();
}

}  // namespace

Status HistogramEdges(HistogramArgs& args, double* edges) {
  if (args.edges != nullptr) {
    for (int64_t i = 0; i <= args.bins; ++i) {
      if (std::isfinite(args.edges[i])) continue;
      args.detail = i;
      return Status::kInvalidOption;
    }
    std::copy_n(args.edges, args.bins + 1, edges);
    std::sort(edges, edges + args.bins + 1);
    return Status::kOk;
  }
  if (args.low > args.high) {
    args.detail = -1;
    return Status::kInvalidOption;
  }
  double low = args.low;
  double high = args.high;
  if (low == high) args.dtype == Dtype::kF64 ? Range<double>(args, low, high) : Range<float>(args, low, high);
  EvenEdges(low, high, args.bins, edges);
  return Status::kOk;
}

Status Histogram(HistogramArgs& args) {
  const Scratch<double> edges(args.bins + 1);
  if (!edges) throw std::bad_alloc();
  const Status status = HistogramEdges(args, edges.get());
  if (status != Status::kOk) return status;
  if (args.bounds != nullptr) std::copy_n(edges.get(), args.bins + 1, args.bounds);
  Outcome outcome;
  return args.dtype == Dtype::kF64 ? Fill<double>(args, edges.get(), outcome)
                                   : Fill<float>(args, edges.get(), outcome);
}

}  // namespace nautilus::cpu
