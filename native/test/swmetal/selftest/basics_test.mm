// The whole way: source, library, pipeline, buffers, dispatch, results; and what threads know of their place.
#include <cmath>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Environment;
using swm::test::Gpu;

namespace {

struct ScaleArguments {
  uint32_t count;
  float factor;
};

void CheckScale(Gpu& gpu, uint32_t count, uint32_t threads) {
  std::vector<float> in(count);
  for (uint32_t i = 0; i < count; ++i) in[i] = static_cast<float>(i);
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(count));
  gpu.Run("scale", {source, result}, ScaleArguments{count, 2.5f}, threads, 64);
  const float* out = Gpu::Read<float>(result);
  uint32_t wrong = 0;
  for (uint32_t i = 0; i < count; ++i) wrong += out[i] != in[i] * 2.5f;
  CHECK(wrong == 0, "%u of %u", wrong, count);
}

}  // namespace

TEST("a kernel reads buffers and constants and writes each element of its grid") {
  Gpu gpu("basics.metal");
  for (const char* schedule : {"forward", "reverse", "random"}) {
    const Environment set("SWM_SCHEDULE", schedule);
    CheckScale(gpu, 1000, 1024);
    CheckScale(gpu, 1, 1);
  }
  for (const char* workers : {"1", "2", "3"}) {
    const Environment set("SWM_THREADS", workers);
    CheckScale(gpu, 100'000, 100'032);
  }
}

TEST("threads of a threadgroup meet at barriers under each schedule") {
  Gpu gpu("basics.metal");
  std::vector<uint32_t> in(1024);
  for (uint32_t i = 0; i < 1024; ++i) in[i] = i * i;
  for (const char* schedule : {"forward", "reverse", "random"}) {
    const Environment set("SWM_SCHEDULE", schedule);
    id<MTLBuffer> source = gpu.Buffer(in);
    id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(4));
    gpu.Run("group_sum", {source, result}, 1024, 256);
    for (uint32_t group = 0; group < 4; ++group) {
      uint32_t sum = 0;
      for (uint32_t i = 0; i < 256; ++i) sum += in[group * 256 + i];
      CHECK(Gpu::Read<uint32_t>(result)[group] == sum, "%s, group %u", schedule, group);
    }
  }
}

TEST("threads know where they are, in groups that the edge of the grid cuts too") {
  Gpu gpu("basics.metal");
  const uint32_t threads[3] = {10, 7, 3};
  const uint32_t group[3] = {8, 5, 2};
  id<MTLBuffer> result = gpu.Buffer(std::vector<uint32_t>(10 * 7 * 3 * 26, 77));
  id<MTLCommandBuffer> commands = [gpu.queue() commandBuffer];
  id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
  [encoder setComputePipelineState:gpu.Pipeline("where")];
  [encoder setBuffer:result offset:0 atIndex:0];
  [encoder dispatchThreads:MTLSizeMake(10, 7, 3) threadsPerThreadgroup:MTLSizeMake(8, 5, 2)];
  [encoder endEncoding];
  Gpu::Finish(commands);
  const uint32_t* row = Gpu::Read<uint32_t>(result);
  for (uint32_t z = 0; z < 3; ++z) {
    for (uint32_t y = 0; y < 7; ++y) {
      for (uint32_t x = 0; x < 10; ++x, row += 26) {
        const uint32_t at[3] = {x, y, z};
        uint32_t size[3];
        for (int axis = 0; axis < 3; ++axis) {
          const uint32_t of = at[axis] / group[axis];
          size[axis] = std::min(group[axis], threads[axis] - of * group[axis]);
          CHECK(row[axis] == at[axis]);
          CHECK(row[3 + axis] == threads[axis]);
          CHECK(row[6 + axis] == of);
          CHECK(row[9 + axis] == 2);
          CHECK(row[12 + axis] == at[axis] % group[axis]);
          CHECK(row[15 + axis] == size[axis]);
          CHECK(row[18 + axis] == group[axis]);
        }
        const uint32_t index = ((z % 2) * size[1] + y % 5) * size[0] + x % 8;
        CHECK(row[21] == index);
        CHECK(row[22] == index % 32);
        CHECK(row[23] == 32);
        CHECK(row[24] == index / 32);
        CHECK(row[25] == (size[0] * size[1] * size[2] + 31) / 32);
      }
    }
  }
}

TEST("a pipeline tells the limits that its kernel declares") {
  Gpu gpu("basics.metal");
  CHECK([gpu.Pipeline("scale") maxTotalThreadsPerThreadgroup] == 1024);
  CHECK([gpu.Pipeline("scale") threadExecutionWidth] == 32);
  CHECK([gpu.Pipeline("scale") staticThreadgroupMemoryLength] == 0);
  CHECK([gpu.Pipeline("at_most_64") maxTotalThreadsPerThreadgroup] == 64);
  CHECK([gpu.Pipeline("group_sum") staticThreadgroupMemoryLength] == 1024);
}

TEST("a kernel with more threadgroup memory than there is gets no pipeline") {
  Gpu gpu("basics.metal");
  std::string error;
  CHECK(!gpu.Pipeline("too_much_memory", &error));
  CHECK(swm::test::Contains(error, "exceeds the maximum threadgroup memory"), "%s", error.c_str());
}

TEST("memory that no thread set is not zero") {
  Gpu gpu("basics.metal", swm::test::KernelText("basics.metal"));
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(8));
  gpu.Run("garbage", {result}, 4, 4);
  for (int i = 0; i < 8; ++i) CHECK(std::isnan(Gpu::Read<float>(result)[i]), "at %d", i);
}

TEST("a product and a sum round twice, as C++ without contraction does") {
  Gpu gpu("basics.metal");
  const std::vector<float> in = nautilus::test::Normal<float>(3000, 1);
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(1000));
  gpu.Run("product_and_sum", {source, result}, 1000, 100);
  int fused_differs = 0;
  for (int i = 0; i < 1000; ++i) {
    const float* x = &in[3 * i];
    CHECK(Gpu::Read<float>(result)[i] == x[0] * x[1] + x[2], "at %d", i);
    fused_differs += std::fma(x[0], x[1], x[2]) != x[0] * x[1] + x[2];
  }
  CHECK(fused_differs > 100);
}

TEST("denormals are kept, and flushed when SWM_FLUSH asks for what GPUs do") {
  Gpu gpu("basics.metal");
  const std::vector<float> in = {1e-38f, 0.125f, 0.0f};
  id<MTLBuffer> source = gpu.Buffer(in);
  id<MTLBuffer> result = gpu.Buffer(std::vector<float>(1));
  gpu.Run("product_and_sum", {source, result}, 1, 1);
  CHECK(Gpu::Read<float>(result)[0] == 1e-38f * 0.125f);
  const Environment flush("SWM_FLUSH", "1");
  gpu.Run("product_and_sum", {source, result}, 1, 1);
  CHECK(Gpu::Read<float>(result)[0] == 0.0f);
  volatile float small = 1e-38f;
  CHECK(small * 0.125f != 0.0f);
}
