// How different two samples are: the Kolmogorov-Smirnov test and the population stability index.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/kernel_table.h"
#include "core/parallel.h"
#include "cpu/statistics/scratch.h"
#include "cpu/statistics/sorting.h"

namespace nautilus::cpu {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The values that are not missing, sorted, as OrderedBits. Returns how many.
template <typename T>
int64_t SortedKeys(const void* values, int64_t count, uint64_t* to) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = static_cast<const T*>(values)[i];
    if (std::isfinite(value)) to[kept++] = OrderedBits(value);
  }
  FastSorter()(to, kept);
  return kept;
}

int64_t SortedKeys(Dtype dtype, const void* values, int64_t count, uint64_t* to) {
  return dtype == Dtype::kF64 ? SortedKeys<double>(values, count, to) : SortedKeys<float>(values, count, to);
}

// Largest |i m - j n| where i of n and j of m values are at or below a point: the statistic times n m, exact.
int64_t LargestGap(const uint64_t* a, int64_t n, const uint64_t* b, int64_t m) {
  int64_t i = 0, j = 0, largest = 0;
  while (i < n && j < m) {
    const uint64_t point = std::min(a[i], b[j]);
    while (i < n && a[i] == point) ++i;
    while (j < m && b[j] == point) ++j;
    largest = std::max(largest, std::abs(i * m - j * n));
  }
  return largest;
}

// P(statistic >= gap / (n m)) when both samples are from one continuous distribution: of all orders in which
// the values can come, the share whose walk (i, j) leaves |i m - j n| < gap. Summed from small to large, so a
// tiny p-value keeps its digits.
double ExactTail(int64_t n, int64_t m, int64_t gap, double* out) {
  const auto leaves = [&](int64_t i, int64_t j) { return std::abs(i * m - j * n) >= gap; };
  out[0] = 0;
  for (int64_t j = 1; j <= m; ++j) out[j] = leaves(0, j) ? 1 : out[j - 1];
  for (int64_t i = 1; i <= n; ++i) {
    if (leaves(i, 0)) out[0] = 1;
    for (int64_t j = 1; j <= m; ++j) {
      const auto step = static_cast<double>(i + j);
      out[j] = leaves(i, j)
                   ? 1
                   : (static_cast<double>(i) / step) * out[j] + (static_cast<double>(j) / step) * out[j - 1];
    }
  }
  return out[m];
}

// P(K >= z) of Kolmogorov's distribution; the second series converges fast where the first does not.
double KolmogorovTail(double z) {
  constexpr double kPi = 3.141592653589793;
  if (z <= 0) return 1;
  if (z < 1) {
    double sum = 0;
    for (int k = 1; k <= 9; k += 2) sum += std::exp(-k * k * kPi * kPi / (8 * z * z));
    return 1 - std::sqrt(2 * kPi) / z * sum;
  }
  double sum = 0;
  for (int k = 1; k <= 6; ++k) sum += (k % 2 == 1 ? 2 : -2) * std::exp(-2.0 * k * k * z * z);
  return std::clamp(sum, 0.0, 1.0);
}

// n m up to which the exact tail is taken: some milliseconds.
constexpr double kExact = 1e6;

// Counts of values above each of `cuts` edges; `sorted` are OrderedBits.
void Shares(const uint64_t* sorted, int64_t count, const double* edges, int64_t bins, double* shares) {
  int64_t before = 0;
  for (int64_t bin = 0; bin < bins; ++bin) {
    const int64_t upto =
        bin + 1 == bins ? count : std::upper_bound(sorted, sorted + count, OrderedBits(edges[bin])) - sorted;
    shares[bin] = static_cast<double>(upto - before) / static_cast<double>(count);
    before = upto;
  }
}

}  // namespace

Status KsTwoSample(KsTwoSampleArgs& args) {
  const Scratch<uint64_t> a(args.n);
  const Scratch<uint64_t> b(args.m);
  if (!a || !b) throw std::bad_alloc();
  int64_t counts[2] = {};
  ParallelFor(2, [&](int64_t side) {
    counts[side] = side == 0 ? SortedKeys(args.dtype, args.a, args.n, a.get())
                             : SortedKeys(args.dtype, args.b, args.m, b.get());
  });
  if (args.Cancelled()) return Status::kCancelled;
  *args.statistic = *args.p_value = kNaN;
  const auto [n, m] = std::pair(counts[0], counts[1]);
  if (n == 0 || m == 0) return Status::kOk;
  const int64_t gap = LargestGap(a.get(), n, b.get(), m);
  const double product = static_cast<double>(n) * static_cast<double>(m);
  *args.statistic = static_cast<double>(gap) / product;
  if (gap == 0) {
    *args.p_value = 1;
  } else if (args.method == KsTwoSampleArgs::Method::kAuto && product <= kExact) {
    const Scratch<double> tail(m + 1);
    if (!tail) throw std::bad_alloc();
    *args.p_value = ExactTail(n, m, gap, tail.get());
  } else {
    *args.p_value = KolmogorovTail(*args.statistic * std::sqrt(product / static_cast<double>(n + m)));
  }
  return Status::kOk;
}

Status PopulationStability(PopulationStabilityArgs& args) {
  const Scratch<uint64_t> expected(args.expected);
  const Scratch<uint64_t> actual(args.actual);
  const Scratch<double> work(3 * args.bins);
  if (!expected || !actual || !work) throw std::bad_alloc();
  int64_t counts[2] = {};
  ParallelFor(2, [&](int64_t side) {
    counts[side] = side == 0 ? SortedKeys(args.dtype, args.expected_values, args.expected, expected.get())
                             : SortedKeys(args.dtype, args.actual_values, args.actual, actual.get());
  });
  if (args.Cancelled()) return Status::kCancelled;
  double* edges = work.get();
  double* shares = edges + args.bins;
  double* others = shares + args.bins;
  const int64_t bins = args.bins;
  *args.psi = kNaN;
  std::fill_n(edges, 3 * bins, kNaN);
  if (counts[0] > 0 && counts[1] > 0) {
    const double low = FromOrderedBits(expected[0]);
    const double high = FromOrderedBits(expected[counts[0] - 1]);
    for (int64_t bin = 0; bin + 1 < bins; ++bin) {
      const double at = static_cast<double>(bin + 1) / static_cast<double>(bins);
      edges[bin] = args.cuts == PopulationStabilityArgs::Cuts::kQuantile
                       ? SortedQuantile(expected.get(), counts[0], at)
                       : low + (high - low) * at;
    }
    Shares(expected.get(), counts[0], edges, bins, shares);
    Shares(actual.get(), counts[1], edges, bins, others);
    double psi = 0;
    for (int64_t bin = 0; bin < bins; ++bin) {
      const double one = std::max(shares[bin], args.floor);
      const double other = std::max(others[bin], args.floor);
      psi += (other - one) * std::log(other / one);
    }
    *args.psi = psi;
  }
  if (args.edges != nullptr) std::copy_n(edges, bins - 1, args.edges);
  if (args.expected_shares != nullptr) std::copy_n(shares, bins, args.expected_shares);
  if (args.actual_shares != nullptr) std::copy_n(others, bins, args.actual_shares);
  return Status::kOk;
}

}  // namespace nautilus::cpu
