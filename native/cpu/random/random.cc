// The kernels that hand random numbers out: Philox integers, normals, Sobol points.
#include <algorithm>
#include <cstring>
#include <vector>

#include "core/kernel_table.h"
#include "core/montecarlo_call.h"
#include "core/parallel.h"
#include "cpu/montecarlo/paths.h"
#include "cpu/random/philox.h"
#include "cpu/random/sobol.h"

namespace nautilus::cpu {
namespace {

template <typename T>
Status NormalsOf(NormalsArgs& args) {
  const PhiloxKeys keys(args.seed);
  const int rounds = args.generator == NormalsArgs::Generator::kPhilox7 ? 7 : 10;
  // Few rows at a time, so that a tile stays in the cache however many there are; even, as a block makes two.
  constexpr int64_t kRows = 256;
  const int64_t groups = (args.dimensions + kRows - 1) / kRows;
  const int64_t tiles = (args.paths + kTilePaths - 1) / kTilePaths;
  T* const out = static_cast<T*>(args.out);
  ParallelFor(groups * tiles, [&](int64_t piece) {
    if (args.Cancelled()) return;
    alignas(128) T rows[kRows * kTilePaths];
    const int64_t first_row = piece / tiles * kRows;
    const int64_t first_path = piece % tiles * kTilePaths;
    const int64_t count = std::min(kRows, args.dimensions - first_row);
    const int64_t width = std::min(kTilePaths, args.paths - first_path);
    std::vector<PhiloxStep> blocks;
    for (int64_t row = first_row; row < first_row + count; row += 2) {
      blocks.emplace_back(keys, static_cast<uint32_t>(row / 2), static_cast<uint32_t>(args.stream));
    }
    const NormalSource source{.keys = &keys,
                              .blocks = blocks.data(),
                              .rounds = rounds,
                              .stream = static_cast<uint32_t>(args.stream)};
    FillNormals(source, first_path, count, rows);
    for (int64_t row = 0; row < count; ++row) {
      std::memcpy(out + (first_row + row) * args.paths + first_path, rows + row * kTilePaths,
                  static_cast<size_t>(width) * sizeof(T));
    }
  });
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

template <typename T>
Status SobolOf(SobolArgs& args) {
  const auto [directions, scrambles] = SobolTablesOf(args);
  T* const out = static_cast<T*>(args.out);
  const int64_t end = args.first_point + args.points;
  const int64_t first_tile = args.first_point / kSobolTile;
  const int64_t tiles = (end + kSobolTile - 1) / kSobolTile - first_tile;
  ParallelFor(tiles, [&](int64_t tile) {
    if (args.Cancelled()) return;
    alignas(128) uint32_t words[kSobolTile];
    alignas(128) T values[kSobolTile];
    const int64_t start = (first_tile + tile) * kSobolTile;
    for (int64_t dimension = 0; dimension < args.dimensions; ++dimension) {
      SobolTile(directions.data() + dimension * 32, static_cast<uint32_t>(start), args.scrambled,
                scrambles[static_cast<size_t>(dimension)], words);
      if (args.normal) NormalsOfWords(words, kSobolTile, values);
      const int64_t from = std::max(start, args.first_point);
      for (int64_t point = from; point < std::min(start + kSobolTile, end); ++point) {
        // Rounding must not reach 1: the last cells of f32 are as wide as its spacing there.
        constexpr double kLast = sizeof(T) == 4 ? 1 - 0x1p-24 : 1 - 0x1p-33;
        const double centre = std::min((words[point - start] + 0.5) * 0x1p-32, kLast);
        out[(point - args.first_point) * args.dimensions + dimension] =
            args.normal ? values[point - start] : static_cast<T>(centre);
      }
    }
  });
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

}  // namespace

Status PhiloxUint32(PhiloxUint32Args& args) {
  const PhiloxKeys keys(args.seed);
  const int rounds = args.rounds == PhiloxUint32Args::Rounds::k7 ? 7 : 10;
  ParallelRanges(args.blocks, 1 << 14, [&](int64_t first, int64_t last) {
    if (args.Cancelled()) return;
    for (int64_t i = first; i < last; ++i) {
      const auto block = static_cast<uint64_t>(args.first_block + i);
      const PhiloxBlock words = Philox({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32),
                                        static_cast<uint32_t>(args.stream), 0},
                                       keys, rounds);
      std::copy(words.begin(), words.end(), args.out + 4 * i);
    }
  });
  return args.Cancelled() ? Status::kCancelled : Status::kOk;
}

Status Normals(NormalsArgs& args) {
  return args.dtype == Dtype::kF64 ? NormalsOf<double>(args) : NormalsOf<float>(args);
}

SobolTables SobolTablesOf(const SobolArgs& args) {
  const SobolDirections directions(args.dimensions);
  SobolTables tables;
  for (int64_t dimension = 0; dimension < args.dimensions; ++dimension) {
    const uint32_t* of = directions.Of(dimension);
    tables.directions.insert(tables.directions.end(), of, of + 32);
    tables.scrambles.push_back(SobolScramble(args.seed, args.copy, dimension));
  }
  return tables;
}

Status Sobol(SobolArgs& args) {
  if (args.first_point + args.points > int64_t{1} << 32) return Status::kInvalidOption;
  return args.dtype == Dtype::kF64 ? SobolOf<double>(args) : SobolOf<float>(args);
}

}  // namespace nautilus::cpu
