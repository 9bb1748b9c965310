// Philox against the published answers, and its lanes against the plain form on every SIMD target.
#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/montecarlo/paths.h"
#include "cpu/random/philox.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using cpu::PhiloxBlock;

TEST("Philox4x32 gives the answers of Random123 for 7 and 10 rounds") {
  // kat_vectors of Random123 1.14.
  struct Known {
    int rounds;
    PhiloxBlock counter;
    uint64_t key;
    PhiloxBlock answer;
  };
  const PhiloxBlock pi = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
  const uint64_t pi_key = 0x299f31d0a4093822;
  const Known known[] = {
      {7, {0, 0, 0, 0}, 0, {0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48}},
      {7, {~0u, ~0u, ~0u, ~0u}, ~0ull, {0x5207ddc2, 0x45165e59, 0x4d8ee751, 0x8c52f662}},
      {7, pi, pi_key, {0x4dfccaba, 0x190a87f0, 0xc47362ba, 0xb6b5242a}},
      {10, {0, 0, 0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {10, {~0u, ~0u, ~0u, ~0u}, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {10, pi, pi_key, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const Known& row : known) {
    CHECK(cpu::Philox(row.counter, cpu::PhiloxKeys(row.key), row.rounds) == row.answer, "%d rounds",
          row.rounds);
  }
}

// Two normals as textbooks write them, from the words that a lane is said to use.
void PlainPair(uint32_t radius_word, uint32_t angle_word, double& one, double& two) {
  const double u = (radius_word | 1u) * 0x1p-32;
  const double x = (angle_word & 0x7FFFFF) * 0x1p-22 - 1;
  const double radius = std::sqrt(-2 * std::log(u)) * (angle_word >> 31 ? -1 : 1);
  one = radius * std::cos(1.5707963267948966 * x);
  two = radius * std::sin(1.5707963267948966 * x);
}

TEST("normals in f32 are those of the counters {path / 2, block, stream, 0} on every SIMD target") {
  test::OnEachTarget([](const char* target) {
    const cpu::PhiloxKeys keys(0x123456789ABCDEF0);
    constexpr int64_t kDimensions = 7;
    for (const int rounds : {7, 10}) {
      std::vector<cpu::PhiloxStep> blocks;
      for (uint32_t block = 0; block < 4; ++block) blocks.emplace_back(keys, block, 5);
      std::vector<float> rows(kDimensions * cpu::kTilePaths);
      const cpu::NormalSource source{.keys = &keys, .blocks = blocks.data(), .rounds = rounds, .stream = 5};
      const int64_t first = 64 * 12345;
      cpu::FillNormals(source, first, kDimensions, rows.data());
      for (int64_t path = 0; path < cpu::kTilePaths; ++path) {
        for (int64_t dimension = 0; dimension < kDimensions; ++dimension) {
          const auto counter = static_cast<uint32_t>((first + path) / 2);
          const auto words = cpu::Philox({counter, static_cast<uint32_t>(dimension / 2), 5, 0}, keys, rounds);
          const bool odd = path % 2 == 1;
          double pair[2];
          PlainPair(words[odd ? 0 : 1], words[odd ? 2 : 3], pair[0], pair[1]);
          const double got = rows[dimension * cpu::kTilePaths + path];
          CHECK(std::abs(got - pair[dimension % 2]) < 2e-6, "%s path %d: %g", target, static_cast<int>(path),
                got);
        }
      }
    }
  });
}

TEST("normals in f64 are those of the counters {path, block, stream, 0} on every SIMD target") {
  test::OnEachTarget([](const char* target) {
    const cpu::PhiloxKeys keys(99);
    std::vector<cpu::PhiloxStep> blocks;
    for (uint32_t block = 0; block < 3; ++block) blocks.emplace_back(keys, block, 0);
    std::vector<double> rows(5 * cpu::kTilePaths);
    const cpu::NormalSource source{.keys = &keys, .blocks = blocks.data(), .rounds = 10, .stream = 0};
    cpu::FillNormals(source, 64, 5, rows.data());
    for (int64_t path = 0; path < cpu::kTilePaths; ++path) {
      for (uint32_t dimension = 0; dimension < 5; ++dimension) {
        const auto words = cpu::Philox({static_cast<uint32_t>(64 + path), dimension / 2, 0, 0}, keys, 10);
        const uint64_t radius_word = uint64_t{words[0]} << 32 | words[1];
        const uint64_t angle_word = uint64_t{words[2]} << 32 | words[3];
        const double u = static_cast<double>(radius_word >> 11 | 1) * 0x1p-53;
        const double x = static_cast<double>(angle_word & 0xFFFFFFFFFFFFF) * 0x1p-51 - 1;
        const double radius = std::sqrt(-2 * std::log(u)) * (angle_word >> 63 ? -1 : 1);
        const double turn = 1.5707963267948966 * x;
        const double want = radius * (dimension % 2 == 0 ? std::cos(turn) : std::sin(turn));
        const double got = rows[dimension * cpu::kTilePaths + path];
        CHECK(std::abs(got - want) < 1e-14, "%s path %d: %g", target, static_cast<int>(path), got);
      }
    }
  });
}

}  // namespace
}  // namespace nautilus
