// Random integers, normals and Sobol points on the GPU; see native/metal/kernels/random.metal and
// sobol.metal.
#include <vector>

#include "core/montecarlo_call.h"
#include "metal/host/device.h"
#include "metal/host/montecarlo.h"

namespace nautilus::metal {
namespace {

// As in random.metal.
struct PhiloxParams {
  uint32_t key0, key1;
  uint32_t rounds;
  uint32_t stream;
  uint32_t low, high;
  uint32_t first;
  uint32_t count;
};
struct NormalsParams {
  uint32_t key0, key1;
  uint32_t rounds;
  uint32_t stream;
  uint32_t dimensions, paths;
  uint32_t first;
  uint32_t blocks;
};
struct SobolParams {
  uint32_t dimensions, points;
  uint32_t first_point, first, count;
  uint32_t scrambled, normal;
};
constexpr int64_t kMost = int64_t{1} << 31;

uint32_t LowWord(uint64_t seed) { return static_cast<uint32_t>(seed); }
uint32_t HighWord(uint64_t seed) { return static_cast<uint32_t>(seed >> 32); }

}  // namespace

Task PhiloxUint32(PhiloxUint32Args& args) {
  if (args.blocks == 0) co_return Status::kOk;
  if (args.blocks >= kMost) co_return Status::kNoBackend;
  const auto first_block = static_cast<uint64_t>(args.first_block);
  PhiloxParams p{.key0 = LowWord(args.seed),
                 .key1 = HighWord(args.seed),
                 .rounds = args.rounds == PhiloxUint32Args::Rounds::k7 ? 7U : 10U,
                 .stream = static_cast<uint32_t>(args.stream),
                 .low = LowWord(first_block),
                 .high = HighWord(first_block),
                 .first = 0,
                 .count = 0};
  const Binding bindings[] = {
      Binding::Bytes(&p, sizeof(p)),
      Binding::Output(args.out, static_cast<size_t>(args.blocks) * 4 * sizeof(uint32_t))};
  const Work work{.kernel = "philox_uint32_f32",
                  .bindings = bindings,
                  .items = static_cast<uint64_t>(args.blocks),
                  .weight = 1,
                  .piece =
                      [&p](uint64_t first, uint64_t count) {
                        p.first = static_cast<uint32_t>(first);
                        p.count = static_cast<uint32_t>(count);
                        return Launch{.width = count};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

Task Normals(NormalsArgs& args) {
  if (args.dimensions == 0 || args.paths == 0) co_return Status::kOk;
  if (args.paths >= kMost) co_return Status::kNoBackend;
  NormalsParams p{.key0 = LowWord(args.seed),
                  .key1 = HighWord(args.seed),
                  .rounds = args.generator == NormalsArgs::Generator::kPhilox7 ? 7U : 10U,
                  .stream = static_cast<uint32_t>(args.stream),
                  .dimensions = static_cast<uint32_t>(args.dimensions),
                  .paths = static_cast<uint32_t>(args.paths),
                  .first = 0,
                  .blocks = 0};
  const uint64_t pairs = (p.paths + uint64_t{1}) / 2;
  const size_t bytes = static_cast<size_t>(args.dimensions) * static_cast<size_t>(args.paths) * sizeof(float);
  const Binding bindings[] = {Binding::Bytes(&p, sizeof(p)), Binding::Output(args.out, bytes)};
  const Work work{.kernel = "normals_f32",
                  .bindings = bindings,
                  .items = (p.dimensions + uint64_t{1}) / 2,
                  .weight = 2 * pairs,
                  .piece =
                      [&p, pairs](uint64_t first, uint64_t count) {
                        p.first = static_cast<uint32_t>(first);
                        p.blocks = static_cast<uint32_t>(count);
                        return Launch{.width = pairs, .height = count};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

Task Sobol(SobolArgs& args) {
  if (args.first_point + args.points > int64_t{1} << 32) co_return Status::kInvalidOption;
  if (args.points == 0 || args.dimensions == 0) co_return Status::kOk;
  const cpu::SobolTables tables = cpu::SobolTablesOf(args);
  // Neighbouring threads have neighbouring dimensions: so do the numbers that they read.
  const auto n = static_cast<size_t>(args.dimensions);
  std::vector<uint32_t> directions(32 * n);
  for (size_t i = 0; i < directions.size(); ++i) directions[i % 32 * n + i / 32] = tables.directions[i];
  SobolParams p{.dimensions = static_cast<uint32_t>(args.dimensions),
                .points = static_cast<uint32_t>(args.points),
                .first_point = static_cast<uint32_t>(args.first_point),
                .first = 0,
                .count = 0,
                .scrambled = args.scrambled,
                .normal = args.normal};
  const Binding bindings[] = {
      Binding::Bytes(&p, sizeof(p)), Binding::Input(directions.data(), directions.size() * sizeof(uint32_t)),
      Binding::Input(tables.scrambles.data(), n * sizeof(uint32_t)),
      Binding::Output(args.out, static_cast<size_t>(args.points) * n * sizeof(float))};
  const Work work{.kernel = "sobol_f32",
                  .bindings = bindings,
                  .items = p.points,
                  .weight = p.dimensions,
                  .piece =
                      [&p](uint64_t first, uint64_t count) {
                        p.first = static_cast<uint32_t>(first);
                        p.count = static_cast<uint32_t>(count);
                        return Launch{.width = p.dimensions, .height = count};
                      },
                  .cancel = args.cancel};
  co_return co_await Device::Get().Later(work);
}

}  // namespace nautilus::metal
