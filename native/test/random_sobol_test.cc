// Sobol points on every SIMD target: each bit by its definition, one cell of every grid for each point, and
// normals that turn back into their words.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "cpu/random/sobol.h"
#include "test/check.h"
#include "test/targets.h"

namespace nautilus {
namespace {

using cpu::kSobolTile;
using cpu::SobolDirections;

uint32_t Reverse(uint32_t word) {
  uint32_t reversed = 0;
  for (int bit = 0; bit < 32; ++bit) reversed |= (word >> bit & 1) << (31 - bit);
  return reversed;
}

// A point as its definition says: the sum, without carry, of the directions at the digits of its number.
uint32_t PointOf(const uint32_t* directions, uint32_t index) {
  uint32_t point = 0;
  for (uint32_t bit = 0; bit < 32; ++bit) {
    if (index >> bit & 1) point ^= directions[bit];
  }
  return point;
}

// Burley 2020, listing 4 with the hash of listing 3: a digit is flipped by those above it only.
uint32_t Scramble(uint32_t point, uint32_t seed) {
  uint32_t x = Reverse(point) + seed;
  for (const uint32_t factor : {0x6C50B47Cu, 0xB82F1E52u, 0xC7AFE638u, 0x8D22F6E6u}) x ^= x * factor;
  return Reverse(x);
}

TEST("Sobol points are those of their definition, plain and scrambled") {
  const SobolDirections directions(cpu::kSobolDimensions);
  test::OnEachTarget([&](const char* target) {
    for (const int64_t dimension : {int64_t{0}, int64_t{1}, int64_t{77}, cpu::kSobolDimensions - 1}) {
      const uint32_t* of = directions.Of(dimension);
      const uint32_t seed = cpu::SobolScramble(5, 3, dimension);
      for (const uint32_t first : {0u, 64u, 4'096u, 0x7FFF'FFC0u, 0xFFFF'FFC0u}) {
        uint32_t plain[kSobolTile];
        uint32_t scrambled[kSobolTile];
        cpu::SobolTile(of, first, false, 0, plain);
        cpu::SobolTile(of, first, true, seed, scrambled);
        bool same = true;
        for (uint32_t i = 0; i < kSobolTile; ++i) {
          const uint32_t point = PointOf(of, first + i);
          same = same && plain[i] == point && scrambled[i] == Scramble(point, seed);
        }
        CHECK(same, "%s dimension %d from %u", target, static_cast<int>(dimension), first);
      }
    }
  });
}

TEST("as many Sobol points as a power of two take one cell each, in every dimension, also scrambled") {
  constexpr int kBits = 12;
  const SobolDirections directions(cpu::kSobolDimensions);
  for (int64_t dimension = 0; dimension < cpu::kSobolDimensions; dimension += 31) {
    for (const bool scrambled : {false, true}) {
      std::vector<int> taken(1 << kBits);
      for (uint32_t first = 0; first < 1u << kBits; first += kSobolTile) {
        uint32_t points[kSobolTile];
        cpu::SobolTile(directions.Of(dimension), first, scrambled, cpu::SobolScramble(9, 0, dimension),
                       points);
        for (const uint32_t point : points) ++taken[point >> (32 - kBits)];
      }
      CHECK(*std::max_element(taken.begin(), taken.end()) == 1, "dimension %d", static_cast<int>(dimension));
    }
  }
}

// The share below a normal.
double Below(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

template <typename T>
void CheckNormals(double tolerance) {
  std::vector<uint32_t> words = {0, 1, 2, 0x7FFF'FFFF, 0x8000'0000, 0x8000'0001, 0xFFFF'FFFE, 0xFFFF'FFFF};
  uint32_t state = 1;
  for (int i = 0; i < 1009; ++i) words.push_back(state = state * 1'664'525u + 1'013'904'223u);
  const auto count = static_cast<int64_t>(words.size());
  test::OnEachTarget([&](const char* target) {
    // Every length up to a few vectors, so that every tail is met.
    for (int64_t length = count - 40; length <= count; ++length) {
      std::vector<T> normals(words.size(), T{-777});
      cpu::NormalsOfWords(words.data(), length, normals.data());
      double worst = 0;
      for (int64_t i = 0; i < length; ++i) {
        const double share = (static_cast<double>(words[i]) + 0.5) * 0x1p-32;
        // Beside the nearer end, which is what a tail is about.
        const double end = std::min(share, 1 - share);
        const double got = Below(share < 0.5 ? normals[i] : -static_cast<double>(normals[i]));
        worst = std::max(worst, std::abs(got / end - 1));
      }
      CHECK(worst <= tolerance, "%s %d bytes, %g", target, static_cast<int>(sizeof(T)), worst);
      for (int64_t i = length; i < count; ++i) CHECK(normals[i] == T{-777});
    }
  });
}

TEST("normals turn back into the words that they are of, the ends included, in f64") {
  CheckNormals<double>(1e-8);
}

// A float near 6 is known to 5e-7, and a share there changes six times as fast.
TEST("normals turn back into the words that they are of, the ends included, in f32") {
  CheckNormals<float>(2e-5);
}

}  // namespace
}  // namespace nautilus
