// Random numbers on the GPU against known answers and against the CPU, to the bit.
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "test/metal_testing.h"

namespace nautilus {
namespace {

std::vector<uint32_t> Words(Backend backend, const PhiloxUint32Args& of) {
  std::vector<uint32_t> out(static_cast<size_t>(of.blocks) * 4, 777);
  PhiloxUint32Args args = of;
  args.dtype = Dtype::kF32;
  args.out = out.data();
  Backend chosen = backend;
  CHECK(Run(chosen, args) == Status::kOk && chosen == backend);
  return out;
}

TEST("Philox on the GPU has the known answer of Random123") {
  PhiloxUint32Args args;
  args.blocks = 1;
  const std::vector<uint32_t> zeros = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  CHECK(Words(Backend::kMetal, args) == zeros);
}

TEST("Philox on the GPU has the words of the CPU: sizes, rounds, streams, counters beyond a word") {
  for (const int64_t blocks : {1, 31, 256, 1000, 4097}) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{0x123456789abcdef0}, ~uint64_t{0}}) {
      PhiloxUint32Args args;
      args.blocks = blocks;
      args.seed = seed;
      args.rounds = blocks % 2 == 0 ? PhiloxUint32Args::Rounds::k7 : PhiloxUint32Args::Rounds::k10;
      args.stream = seed == 0 ? 0 : 4294967295;
      args.first_block = seed == 0 ? 0 : (int64_t{1} << 32) - 5;
      const bool same = Words(Backend::kMetal, args) == Words(Backend::kCpu, args);
      CHECK(test::Within(KernelId::kPhiloxUint32, same ? 0 : 1), "%d blocks", static_cast<int>(blocks));
    }
  }
}

std::vector<float> Draw(Backend backend, const NormalsArgs& of) {
  std::vector<float> out(static_cast<size_t>(of.dimensions * of.paths), 777);
  NormalsArgs args = of;
  args.dtype = Dtype::kF32;
  args.out = out.data();
  Backend chosen = backend;
  CHECK(Run(chosen, args) == Status::kOk && chosen == backend);
  return out;
}

// The polynomials of both are fused where the CPU has fused operations; elsewhere a last bit differs.
double Worst(const std::vector<float>& found, const std::vector<float>& expected, size_t& bits) {
  double worst = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i])));
    bits += std::memcmp(&found[i], &expected[i], sizeof(float)) != 0;
  }
  return worst;
}

TEST("normals on the GPU are those of the CPU: paths, dimensions, rounds and streams") {
  // A normal is at most 6 or so.
  constexpr double kLargest = 6;
  size_t bits = 0;
  for (const int64_t paths : {1, 2, 31, 64, 1000, 4097}) {
    for (const int64_t dimensions : {1, 2, 7, 300}) {
      if (paths * dimensions > 300000) continue;
      NormalsArgs args;
      args.paths = paths;
      args.dimensions = dimensions;
      args.seed = 20240607;
      args.stream = dimensions == 7 ? 3 : 0;
      args.generator = dimensions == 2 ? NormalsArgs::Generator::kPhilox7 : NormalsArgs::Generator::kPhilox10;
      const double worst = Worst(Draw(Backend::kMetal, args), Draw(Backend::kCpu, args), bits);
      CHECK(test::Within(KernelId::kNormals, worst, kLargest), "%d x %d: %g", static_cast<int>(dimensions),
            static_cast<int>(paths), worst);
    }
  }
  if (std::getenv("NAUTILUS_PARITY") != nullptr) std::printf("normals: %zu differ in bits\n", bits);
}

TEST("Sobol points on the GPU are those of the CPU to the bit, plain and scrambled; so are their normals") {
  for (const int64_t dimensions : {1, 5, 130}) {
    for (int form = 0; form < 4; ++form) {
      SobolArgs args;
      args.dtype = Dtype::kF32;
      args.points = dimensions == 5 ? 1000 : 65;
      args.dimensions = dimensions;
      args.scrambled = form % 2 == 1;
      args.normal = form >= 2;
      args.seed = 11;
      args.copy = 3;
      args.first_point = dimensions == 1 ? (int64_t{1} << 31) - 1 : dimensions;
      std::vector<float> found(static_cast<size_t>(args.points * dimensions));
      std::vector<float> expected = found;
      args.out = found.data();
      CHECK(test::On(Backend::kMetal, args) == Status::kOk);
      args.out = expected.data();
      CHECK(test::On(Backend::kCpu, args) == Status::kOk);
      const double worst = test::Worst(found.data(), expected.data(), found.size());
      const bool near = test::Within(KernelId::kSobol, worst);
      CHECK(near && (args.normal || worst == 0), "%d dimensions, form %d: %g", static_cast<int>(dimensions),
            form, worst);
      if (std::getenv("NAUTILUS_PARITY") != nullptr && worst > 0) std::printf("sobol: %g\n", worst);
    }
  }
}

TEST("random numbers without rows are none, and a call that was cancelled ends") {
  NormalsArgs none;
  none.dimensions = 3;
  CHECK(Draw(Backend::kMetal, none).empty());
  std::atomic<uint32_t> cancel{1};
  std::vector<uint32_t> out(400);
  PhiloxUint32Args args;
  args.dtype = Dtype::kF32;
  args.blocks = 100;
  args.out = out.data();
  args.cancel = &cancel;
  Backend backend = Backend::kMetal;
  CHECK(Run(backend, args) == Status::kCancelled);
}

}  // namespace
}  // namespace nautilus
