// Atomic operations, with threads stopped between them by the random schedule.
#include <set>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Environment;
using swm::test::Gpu;

namespace {

constexpr uint32_t kThreads = 10'000;

void CheckCount(Gpu& gpu) {
  id<MTLBuffer> all = gpu.Buffer(std::vector<uint32_t>(4));
  id<MTLBuffer> signed_ones = gpu.Buffer(std::vector<int32_t>(3));
  id<MTLBuffer> sum = gpu.Buffer(std::vector<float>(1));
  gpu.Run("count", {all, signed_ones, sum}, kThreads, 250);
  uint32_t bits = 0;
  for (uint32_t i = 0; i < kThreads; ++i) bits ^= i;
  const uint32_t* counted = Gpu::Read<uint32_t>(all);
  CHECK(counted[0] == kThreads && counted[1] == kThreads - 1 && counted[2] == ~0u && counted[3] == bits);
  const int32_t* totals = Gpu::Read<int32_t>(signed_ones);
  CHECK(totals[0] == -5000 && totals[1] == -500 && totals[2] == 5000, "%d %d %d", totals[0], totals[1],
        totals[2]);
  CHECK(Gpu::Read<float>(sum)[0] == 0.5f * kThreads);
}

void CheckExchange(Gpu& gpu) {
  id<MTLBuffer> cells = gpu.Buffer(std::vector<uint32_t>(2));
  id<MTLBuffer> taken = gpu.Buffer(std::vector<uint32_t>(kThreads));
  gpu.Run("exchange", {cells, taken}, kThreads, 100);
  const uint32_t* values = Gpu::Read<uint32_t>(taken);
  std::set<uint32_t> seen(values, values + kThreads);
  seen.insert(Gpu::Read<uint32_t>(cells)[0]);
  CHECK(seen.size() == kThreads + 1 && *seen.rbegin() == kThreads, "%zu values", seen.size());
  CHECK(Gpu::Read<uint32_t>(cells)[1] == 3 * kThreads, "%u", Gpu::Read<uint32_t>(cells)[1]);
}

void CheckHistogram(Gpu& gpu) {
  std::vector<uint32_t> in(1024), want(17);
  for (uint32_t i = 0; i < 1024; ++i) {
    in[i] = i * i / 7;
    ++want[in[i] % 16];
  }
  want[16] = 1024;
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(17));
  gpu.Run("histogram", {source, result}, 1024, 128);
  for (uint32_t bin = 0; bin < 17; ++bin) CHECK(Gpu::Read<uint32_t>(result)[bin] == want[bin], "bin %u", bin);
}

uint32_t LostUpdate(Gpu& gpu) {
  id<MTLBuffer> cells = gpu.Buffer(std::vector<uint32_t>(1));
  gpu.Run("lost_update", {cells}, 1000, 100);
  return Gpu::Read<uint32_t>(cells)[0];
}

}  // namespace

TEST("atomic operations of all threads add up under each schedule and on two threads of the CPU") {
  Gpu gpu("atomics.metal");
  for (const char* schedule : {"forward", "reverse", "random"}) {
    const Environment set("SWM_SCHEDULE", schedule);
    CheckCount(gpu);
    CheckExchange(gpu);
    CheckHistogram(gpu);
  }
}

TEST("the random schedule stops threads between a load and a store, and finds what they lose") {
  Gpu gpu("atomics.metal");
  {
    const Environment set("SWM_SCHEDULE", "forward");
    CHECK(LostUpdate(gpu) == 1000);
  }
  const Environment set("SWM_SCHEDULE", "random");
  CHECK(LostUpdate(gpu) < 1000);
}
