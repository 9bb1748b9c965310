// Schedules: what they order, and the missing barriers that they find.
#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Changed;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;
using swm::test::KernelText;

namespace {

constexpr char kBarrier[] = "  threadgroup_barrier(mem_flags::mem_threadgroup);\n";

// Results of 64 threads under a schedule; `in` counts from 1.
std::vector<uint32_t> Results(Gpu& gpu, const char* kernel, const char* schedule) {
  const Environment set("SWM_SCHEDULE", schedule);
  std::vector<uint32_t> in(64);
  for (uint32_t i = 0; i < 64; ++i) in[i] = i + 1;
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(64));
  gpu.Run(kernel, {source, result}, 64, 64);
  const uint32_t* first = Gpu::Read<uint32_t>(result);
  return {first, first + 64};
}

// The turn of each of 96 threads in groups of 32.
std::vector<uint32_t> Order(Gpu& gpu) {
  id<MTLBuffer> next = gpu.Buffer(std::vector<uint32_t>(1));
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(96));
  gpu.Run("order", {next, result}, 96, 32);
  const uint32_t* first = Gpu::Read<uint32_t>(result);
  return {first, first + 96};
}

// The same from a process that starts afresh as far as schedules go.
std::string OrderOfChild(Gpu& gpu, const char* seed) {
  const Environment random("SWM_SCHEDULE", "random");
  const Environment set("SWM_SEED", seed);
  return Abort([&] {
    for (const uint32_t turn : Order(gpu)) std::fprintf(stderr, "%u ", turn);
    std::abort();
  });
}

}  // namespace

TEST("forward, reverse and random order threads and threadgroups, the last by its seed") {
  Gpu gpu("schedule.metal");
  std::vector<uint32_t> rising(96);
  for (uint32_t i = 0; i < 96; ++i) rising[i] = i;
  {
    const Environment set("SWM_SCHEDULE", "forward");
    CHECK(Order(gpu) == rising);
  }
  {
    const Environment set("SWM_SCHEDULE", "reverse");
    CHECK(Order(gpu) == std::vector<uint32_t>(rising.rbegin(), rising.rend()));
  }
  CHECK(OrderOfChild(gpu, "1") == OrderOfChild(gpu, "1"));
  CHECK(OrderOfChild(gpu, "1") != OrderOfChild(gpu, "2"));
  const Environment set("SWM_SCHEDULE", "random");
  CHECK(Order(gpu) != Order(gpu));
  const Environment wrong("SWM_SCHEDULE", "sideways");
  CHECK(Contains(Abort([&] { Order(gpu); }), "for SWM_SCHEDULE, was sideways"));
}

TEST("a read before the barrier that it needs is found by one order or the other") {
  const std::string right = KernelText("schedule.metal");
  const std::string wrong = Changed(right, kBarrier, "");
  Gpu good("schedule.metal");
  Gpu bad("schedule.metal without a barrier", wrong);
  const std::vector<uint32_t> want = Results(good, "left_neighbour", "forward");
  CHECK(want[1] == 1 && want[63] == 63);
  CHECK(Results(good, "left_neighbour", "reverse") == want);
  CHECK(Results(good, "left_neighbour", "random") == want);
  CHECK(Results(bad, "left_neighbour", "forward") == want, "a lower thread has always run in this order");
  CHECK(Results(bad, "left_neighbour", "reverse") != want);
  CHECK(Results(bad, "left_neighbour", "random") != want);
}

TEST("a write before others have read is found too") {
  const std::string wrong = Changed(KernelText("schedule.metal"),
                                    "    threadgroup_barrier(mem_flags::mem_threadgroup);  // round\n", "");
  Gpu good("schedule.metal");
  Gpu bad("schedule.metal without a barrier", wrong);
  const std::vector<uint32_t> want(64, 1 + 2 + 3 + 4);
  for (const char* schedule : {"forward", "reverse", "random"}) {
    CHECK(Results(good, "rounds", schedule) == want, "%s", schedule);
    CHECK(Results(bad, "rounds", schedule) != want, "%s", schedule);
  }
}
