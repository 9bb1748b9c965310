// Selection, sorting, histograms, drawdowns and distances between samples by the book.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cpu/statistics/reference.h"

namespace nautilus::cpu::reference {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Doubles(Dtype dtype, const void* values, int64_t count, int64_t stride = 1) {
  std::vector<double> out;
  for (int64_t i = 0; i < count; ++i) {
    out.push_back(dtype == Dtype::kF64 ? static_cast<const double*>(values)[i * stride]
                                       : static_cast<double>(static_cast<const float*>(values)[i * stride]));
  }
  return out;
}

// One series of a panel.
template <class Args>
std::vector<double> Column(const Args& args, int64_t series) {
  const int64_t size = args.dtype == Dtype::kF64 ? 8 : 4;
  return Doubles(args.dtype, static_cast<const char*>(args.values) + series * size, args.bars, args.series);
}

std::vector<double> SortedFinite(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  std::sort(values.begin(), values.end());
  return values;
}

void Put(Dtype dtype, void* out, int64_t at, double value) {
  if (dtype == Dtype::kF64) {
    static_cast<double*>(out)[at] = value;
  } else {
    static_cast<float*>(out)[at] = static_cast<float>(value);
  }
}

double QuantileOf(const std::vector<double>& sorted, double probability, QuantilesArgs::Method method) {
  using Method = QuantilesArgs::Method;
  if (sorted.empty()) return kNaN;
  const double at = static_cast<double>(sorted.size() - 1) * probability;
  const auto low = static_cast<size_t>(at);
  const double part = at - static_cast<double>(low);
  if (part == 0 || method == Method::kLower) return sorted[low];
  if (method == Method::kHigher) return sorted[low + 1];
  if (method == Method::kMidpoint) return sorted[low] + (sorted[low + 1] - sorted[low]) * 0.5;
  if (method == Method::kNearest) return sorted[static_cast<size_t>(std::nearbyint(at))];
  return sorted[low] + (sorted[low + 1] - sorted[low]) * part;
}

double FallOf(bool relative, double value, double peak) {
  if (!relative) return value - peak;
  return peak > 0 ? value / peak - 1 : kNaN;
}

// Share of values in (edge before, edge].
std::vector<double> SharesOf(const std::vector<double>& values, const std::vector<double>& edges) {
  std::vector<double> shares(edges.size() + 1);
  for (const double value : values) {
    const auto below = std::count_if(edges.begin(), edges.end(), [&](double edge) { return edge < value; });
    shares[static_cast<size_t>(below)] += 1;
  }
  for (double& share : shares) share /= static_cast<double>(values.size());
  return shares;
}

}  // namespace

Status Quantiles(QuantilesArgs& args) {
  for (int64_t series = 0; series < args.series; ++series) {
    const std::vector<double> sorted = SortedFinite(Column(args, series));
    for (int64_t i = 0; i < args.probabilities; ++i) {
      Put(args.dtype, args.out, i * args.series + series, QuantileOf(sorted, args.at[i], args.method));
    }
  }
  return Status::kOk;
}

Status NthSmallest(NthSmallestArgs& args) {
  for (int64_t series = 0; series < args.series; ++series) {
    const std::vector<double> sorted = SortedFinite(Column(args, series));
    const bool there = args.nth < static_cast<int64_t>(sorted.size());
    Put(args.dtype, args.out, series, there ? sorted[static_cast<size_t>(args.nth)] : kNaN);
  }
  return Status::kOk;
}

Status Argsort(ArgsortArgs& args) {
  const std::vector<double> all = Doubles(args.dtype, args.values, args.rows * args.count);
  for (int64_t row = 0; row < args.rows; ++row) {
    const double* values = all.data() + row * args.count;
    uint32_t* order = args.out + row * args.count;
    std::iota(order, order + args.count, 0u);
    std::stable_sort(order, order + args.count, [&](uint32_t a, uint32_t b) {
      if (std::isnan(values[a]) || std::isnan(values[b]))
        return !std::isnan(values[a]) && std::isnan(values[b]);
      return args.descending ? values[a] > values[b] : values[a] < values[b];
    });
  }
  return Status::kOk;
}

Status Histogram(HistogramArgs& args) {
  const std::vector<double> values = Doubles(args.dtype, args.values, args.count);
  std::vector<double> edges(static_cast<size_t>(args.bins) + 1);
  if (args.edges != nullptr) {
    edges.assign(args.edges, args.edges + args.bins + 1);
    std::sort(edges.begin(), edges.end());
  } else {
    double low = args.low;
    double high = args.high;
    if (low == high) {
      const std::vector<double> sorted = SortedFinite(values);
      low = sorted.empty() ? 0 : sorted.front();
      high = sorted.empty() ? 0 : sorted.back();
      if (low == high) {
        low -= 0.5;
        high += 0.5;
      }
    }
    const double width = (high - low) / static_cast<double>(args.bins);
    for (size_t i = 0; i < edges.size(); ++i) edges[i] = low + static_cast<double>(i) * width;
    edges.back() = high;
  }
  std::fill_n(args.counts, args.bins, 0u);
  for (const double value : values) {
    for (size_t bin = 0; bin + 1 < edges.size(); ++bin) {
      const bool last = bin + 2 == edges.size();
      if (value >= edges[bin] && (value < edges[bin + 1] || (last && value == edges[bin + 1])))
        ++args.counts[bin];
    }
  }
  if (args.bounds != nullptr) std::copy(edges.begin(), edges.end(), args.bounds);
  return Status::kOk;
}

Status Drawdown(DrawdownArgs& args) {
  for (int64_t series = 0; series < args.series; ++series) {
    const std::vector<double> values = Column(args, series);
    double peak = -std::numeric_limits<double>::infinity();
    for (int64_t bar = 0; bar < args.bars; ++bar) {
      const double value = values[static_cast<size_t>(bar)];
      if (std::isfinite(value)) peak = std::max(peak, value);
      const double fall = std::isfinite(value) ? FallOf(args.relative, value, peak) : kNaN;
      Put(args.dtype, args.out, bar * args.series + series, fall);
    }
  }
  return Status::kOk;
}

Status MaxDrawdown(MaxDrawdownArgs& args) {
  const auto none = static_cast<uint32_t>(args.bars);
  for (int64_t series = 0; series < args.series; ++series) {
    const std::vector<double> values = Column(args, series);
    double depth = kNaN;
    uint32_t start = none, trough = none, recovery = none, peak = none;
    for (uint32_t bar = 0; bar < none; ++bar) {
      if (!std::isfinite(values[bar])) continue;
      if (peak == none || values[bar] > values[peak]) peak = bar;
      const double fall = FallOf(args.relative, values[bar], values[peak]);
      if (std::isnan(fall) || fall >= depth) continue;
      depth = fall;
      start = peak;
      trough = bar;
    }
    for (uint32_t bar = trough; bar < none && recovery == none; ++bar) {
      if (std::isfinite(values[bar]) && values[bar] >= values[start]) recovery = bar;
    }
    Put(args.dtype, args.depth, series, depth);
    if (args.start != nullptr) args.start[series] = start;
    if (args.trough != nullptr) args.trough[series] = trough;
    if (args.recovery != nullptr) args.recovery[series] = recovery;
  }
  return Status::kOk;
}

Status KsTwoSample(KsTwoSampleArgs& args) {
  const std::vector<double> a = SortedFinite(Doubles(args.dtype, args.a, args.n));
  const std::vector<double> b = SortedFinite(Doubles(args.dtype, args.b, args.m));
  *args.statistic = *args.p_value = kNaN;
  if (a.empty() || b.empty()) return Status::kOk;
  const auto n = static_cast<double>(a.size());
  const auto m = static_cast<double>(b.size());
  double largest = 0;
  const auto at_most = [](const std::vector<double>& values, double point) {
    return static_cast<double>(std::upper_bound(values.begin(), values.end(), point) - values.begin());
  };
  for (const auto* values : {&a, &b}) {
    for (const double point : *values)
      largest = std::max(largest, std::abs(at_most(a, point) * m - at_most(b, point) * n));
  }
  *args.statistic = largest / (n * m);
  if (args.method == KsTwoSampleArgs::Method::kAuto && n * m <= 1e6) {
    // Share of the walks from (0, 0) to (n, m) that keep |i m - j n| < largest.
    std::vector<std::vector<double>> stay(a.size() + 1, std::vector<double>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); ++i) {
      for (size_t j = 0; j <= b.size(); ++j) {
        const auto x = static_cast<double>(i);
        const auto y = static_cast<double>(j);
        if (std::abs(x * m - y * n) >= largest) continue;
        if (i + j == 0) stay[i][j] = 1;
        if (i > 0) stay[i][j] += x / (x + y) * stay[i - 1][j];
        if (j > 0) stay[i][j] += y / (x + y) * stay[i][j - 1];
      }
    }
    *args.p_value = 1 - stay[a.size()][b.size()];
    return Status::kOk;
  }
  const double z = largest / (n * m) * std::sqrt(n * m / (n + m));
  double sum = 0;
  for (int k = 1; k <= 1000; ++k) sum += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * z * z);
  *args.p_value = z < 0.04 ? 1 : std::clamp(sum, 0.0, 1.0);
  return Status::kOk;
}

Status PopulationStability(PopulationStabilityArgs& args) {
  const std::vector<double> expected = SortedFinite(Doubles(args.dtype, args.expected_values, args.expected));
  const std::vector<double> actual = SortedFinite(Doubles(args.dtype, args.actual_values, args.actual));
  *args.psi = kNaN;
  if (expected.empty() || actual.empty()) return Status::kOk;
  std::vector<double> edges;
  for (int64_t i = 1; i < args.bins; ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(args.bins);
    edges.push_back(args.cuts == PopulationStabilityArgs::Cuts::kQuantile
                        ? QuantileOf(expected, at, QuantilesArgs::Method::kLinear)
                        : expected.front() + (expected.back() - expected.front()) * at);
  }
  const std::vector<double> one = SharesOf(expected, edges);
  const std::vector<double> other = SharesOf(actual, edges);
  *args.psi = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    const double e = std::max(one[i], args.floor);
    const double a = std::max(other[i], args.floor);
    *args.psi += (a - e) * std::log(a / e);
  }
  return Status::kOk;
}

}  // namespace nautilus::cpu::reference
