// Cutting columns at quantiles, and finding the bin of each value.
#include "cpu/trees/binning.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "cpu/statistics/sorting.h"

namespace nautilus::trees {
namespace {

constexpr int64_t kSample = 200'000;

// Integers that order like the numbers; both zeros are one.
uint32_t OrderedOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value + 0.0f);
  return bits ^ ((bits >> 31) != 0 ? ~uint32_t{0} : uint32_t{1} << 31);
}
float FloatOf(uint32_t ordered) {
  return std::bit_cast<float>(ordered ^ ((ordered >> 31) != 0 ? uint32_t{1} << 31 : ~uint32_t{0}));
}

// A number that is at least `below` and less than `above`: half-way where f32 has such a number.
float Between(float below, float above) {
  const auto middle =
      static_cast<float>(static_cast<double>(below) + (static_cast<double>(above) - below) / 2);
  return middle >= below && middle < above ? middle : below;
}

// Where to cut sorted numbers into at most `bins` bins with about equally many rows: a number that many rows
// share has a bin of its own.
std::vector<float> CutSorted(const uint32_t* sorted, int64_t count, int64_t bins) {
  std::vector<float> thresholds;
  std::vector<std::pair<uint32_t, int64_t>> distinct;
  for (int64_t i = 0; i < count;) {
    int64_t end = i + 1;
    while (end < count && sorted[end] == sorted[i]) ++end;
    distinct.emplace_back(sorted[i], end - i);
    i = end;
  }
  const auto cut_after = [&](size_t i) {
    thresholds.push_back(Between(FloatOf(distinct[i].first), FloatOf(distinct[i + 1].first)));
  };
  if (static_cast<int64_t>(distinct.size()) <= bins) {
    for (size_t i = 0; i + 1 < distinct.size(); ++i) cut_after(i);
    return thresholds;
  }
  int64_t rest = count;
  int64_t in_bin = 0;
  int64_t left = bins;
  for (size_t i = 0; i + 1 < distinct.size() && left > 1; ++i) {
    in_bin += distinct[i].second;
    const double mean = static_cast<double>(rest) / static_cast<double>(left);
    const bool heavy_next = static_cast<double>(distinct[i + 1].second) >= mean;
    if (static_cast<double>(in_bin) < mean && !(heavy_next && static_cast<double>(in_bin) >= mean / 2))
      continue;
    cut_after(i);
    rest -= in_bin;
    in_bin = 0;
    --left;
  }
  return thresholds;
}

// The column's numbers, or its greatest code.
Cut CutOne(const Rows& rows, int64_t column, const Options& options, uint32_t* sample,
           const cpu::FastSorter& sort, int64_t& refused_row) {
  Cut cut{.column = column,
          .category = !options.categories.empty() && options.categories[column] != 0,
          .bins = 0,
          .thresholds = {}};
  const auto at = [&](int64_t row) { return rows.inputs[row * rows.columns + column]; };
  if (cut.category) {
    for (int64_t row = 0; row < rows.rows; ++row) {
      const float code = at(row);
      if (std::isnan(code)) continue;
      if (!(code >= 0 && code < kMostBins) || code != std::floor(code)) {
        refused_row = row;
        return cut;
      }
      cut.bins = std::max(cut.bins, static_cast<int>(code) + 1);
    }
    return cut;
  }
  int64_t count = 0;
  bool missing = false;
  const int64_t taken = std::min(rows.rows, kSample);
  for (int64_t i = 0; i < taken; ++i) {
    const float value = at(i * rows.rows / taken);
    if (std::isnan(value))
      missing = true;
    else
      sample[count++] = OrderedOf(value);
  }
  sort(sample, count);
  cut.thresholds = CutSorted(sample, count, options.max_bins);
  cut.bins = static_cast<int>(cut.thresholds.size()) + 1;
  // One bin, and never a gap, tells nothing.
  if (cut.bins == 1 && (!missing || count == 0)) cut.bins = 0;
  return cut;
}

// How many thresholds are below the value; 255 at most. Without branches: they would be guessed wrong half
// the time.
int BinOf(const float* thresholds, int count, float value) {
  int low = 0;
  for (int rest = count; rest > 0;) {
    const int half = (rest + 1) / 2;
    low += thresholds[low + half - 1] < value ? half : 0;
    rest -= half;
  }
  return low;
}

uint8_t BinOf(const Cut& cut, float value) {
  if (!cut.category) {
    if (std::isnan(value)) return static_cast<uint8_t>(cut.bins);
    return static_cast<uint8_t>(BinOf(cut.thresholds.data(), cut.bins - 1, value));
  }
  const bool known = value >= 0 && value < static_cast<float>(cut.bins) && value == std::floor(value);
  return static_cast<uint8_t>(known ? static_cast<int>(value) : cut.bins);
}

}  // namespace

std::vector<Cut> CutColumns(const Rows& rows, const Options& options, const Team& team, CancelFlag cancel,
                            Refusal& refusal) {
  const int64_t sample = std::min(rows.rows, kSample);
  std::vector<uint32_t> samples(sample * team.threads());
  std::vector<Cut> all(rows.columns);
  std::vector<int64_t> refused(rows.columns, -1);
  const cpu::FastSorter sort;
  team.Run(rows.columns, rows.columns * sample * 20, [&](int64_t column, int64_t member) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed) != 0) return;
    all[column] = CutOne(rows, column, options, samples.data() + member * sample, sort, refused[column]);
  });
  for (int64_t column = 0; column < rows.columns; ++column) {
    if (refused[column] < 0) continue;
    refusal = {.row = refused[column], .column = column};
    return {};
  }
  std::erase_if(all, [](const Cut& cut) { return cut.bins == 0; });
  return all;
}

Binned::Binned(const Rows& rows, const std::vector<Cut>& cuts, const Team& team)
    : rows_(rows.rows), features_(static_cast<int64_t>(cuts.size())), cells_(tiles() * rows.rows * kLanes) {
  constexpr int64_t kRows = 4096;
  const int64_t pieces = (rows_ + kRows - 1) / kRows;
  team.Run(pieces * tiles(), rows_ * features_ * 8, [&](int64_t task, int64_t) {
    const int64_t tile = task / pieces;
    const int64_t first = task % pieces * kRows;
    uint8_t* const to = cells_.data() + tile * rows_ * kLanes;
    const int64_t width = std::min<int64_t>(kLanes, features_ - tile * kLanes);
    for (int64_t lane = 0; lane < width; ++lane) {
      const Cut& cut = cuts[tile * kLanes + lane];
      for (int64_t row = first; row < std::min(rows_, first + kRows); ++row)
        to[row * kLanes + lane] = BinOf(cut, rows.inputs[row * rows.columns + cut.column]);
    }
  });
}

}  // namespace nautilus::trees
