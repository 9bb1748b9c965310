// What the tests of the statistics on Metal share: panels that are hard to sum, and a run on both backends.
#ifndef NAUTILUS_TEST_METAL_STATISTICS_TESTING_H_
#define NAUTILUS_TEST_METAL_STATISTICS_TESTING_H_

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/kernel_table.h"
#include "test/check.h"
#include "test/metal_testing.h"
#include "test/statistics_testing.h"

namespace nautilus::test {

enum class Kind32 { kWhole, kGaps, kConstant, kLevel, kTies, kHuge };
inline constexpr Kind32 kKinds[] = {Kind32::kWhole, Kind32::kGaps, Kind32::kConstant,
                                    Kind32::kLevel, Kind32::kTies, Kind32::kHuge};

// A panel [bars, series] of f32: walks, with or without gaps, series that never move, a level of a million
// whose digits are almost used up, many ties with both zeros, and numbers whose squares leave the range of
// f32.
inline std::vector<float> PanelOf(Kind32 kind, int64_t bars, int64_t series, uint32_t seed) {
  std::vector<float> values = Walks<float>(bars, series, seed, kind == Kind32::kGaps);
  if (kind == Kind32::kConstant) {
    for (int64_t i = 0; i < bars * series; ++i) values[i] = 0.1F * static_cast<float>(i % series);
  }
  const std::vector<float> draws = Normal<float>(bars * series, seed + 7);
  for (int64_t i = 0; i < bars * series; ++i) {
    if (kind == Kind32::kLevel) values[i] = 1e6F + 0.1F * draws[i];
    if (kind == Kind32::kTies) values[i] = std::copysign(std::floor(std::abs(draws[i]) * 2), draws[i]);
    if (kind == Kind32::kHuge) values[i] = draws[i] * 1e25F;
  }
  return values;
}

// How far the result of Metal is from that of the CPU, relative to max(|CPU|, floor); infinite when Metal did
// not run.
template <class Args>
double Far(Args args, void* Args::*out, int64_t count, double floor) {
  std::vector<float> results[2];
  for (const Backend wanted : {Backend::kCpu, Backend::kMetal}) {
    Backend ran = wanted;
    std::vector<float>& result = results[wanted == Backend::kMetal];
    result.assign(count, -777);
    args.*out = result.data();
    if (nautilus::Run(ran, args) != Status::kOk || ran != wanted)
      return std::numeric_limits<double>::infinity();
  }
  return Worst(results[1], results[0], count, floor);
}

// How many series the panels of a kind have. What a series gives does not depend on the others, so that wide
// panels of one kind are enough to see that each thread finds its place.
inline std::vector<int64_t> WidthsOf(Kind32 kind) {
  if (Few()) return kind == Kind32::kGaps ? std::vector<int64_t>{7, 33} : std::vector<int64_t>{1};
  return kind == Kind32::kGaps ? std::vector<int64_t>{1, 7, 33, 130} : std::vector<int64_t>{1, 20};
}

template <class Args>
const KernelRow& RowOfArgs(const Args& args) {
  return KernelTable()[static_cast<size_t>(IdOf(&args))];
}

// Runs a kernel that writes `out` on both backends and checks the tolerance of its row.
template <class Args>
void CheckParity(Args args, void* Args::*out, int64_t count, const char* what, double floor = 1) {
  args.dtype = Dtype::kF32;
  const KernelRow& row = RowOfArgs(args);
  const double far = Far(args, out, count, floor);
  CHECK(Note(row.id, far, row.tolerance_f32), "%s is off by %g: %s", row.id, far, what);
}

inline std::string Describe(Kind32 kind, int64_t bars, int64_t series, int64_t window) {
  return "kind " + std::to_string(static_cast<int>(kind)) + ", " + std::to_string(bars) + " bars of " +
         std::to_string(series) + " series, window " + std::to_string(window);
}

}  // namespace nautilus::test

#endif  // NAUTILUS_TEST_METAL_STATISTICS_TESTING_H_
