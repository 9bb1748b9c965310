// Faults by environment variables: each is what a host sees when a real device fails.
#include "test/swmetal/faults.h"
#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;

namespace {

// Runs `count` command buffers that each sum 256 ones, with a fault from the `first` on of them. Expects "+"
// for each that has a result and the code of each that failed.
void CheckBuffers(const char* variable, int first, int code, int count, const std::string& want) {
  Gpu gpu("basics.metal");
  const uint64_t number = swm::faults::Committed() + static_cast<uint64_t>(first);
  const Environment set(variable, std::to_string(number) + ":" + std::to_string(code));
  std::string outcome;
  for (int i = 0; i < count; ++i) {
    id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
    id<MTLBuffer> out = gpu.Buffer(std::vector<uint32_t>(1, 77));
    id<MTLCommandBuffer> commands = gpu.Encode("group_sum", {in, out}, {}, 256, 256);
    [commands commit];
    [commands waitUntilCompleted];
    NSError* error = [commands error];
    const uint32_t result = Gpu::Read<uint32_t>(out)[0];
    if ([commands status] == MTLCommandBufferStatusCompleted && !error && result == 256) outcome += "+";
    if ([commands status] == MTLCommandBufferStatusError && result == 77) {
      CHECK([[error domain] isEqualToString:MTLCommandBufferErrorDomain]);
      outcome += std::to_string([error code]);
    }
  }
  CHECK(outcome == want, "%s gave %s", variable, outcome.c_str());
}

}  // namespace

TEST("SWM_NO_DEVICE leaves no default device and an empty list") {
  @autoreleasepool {
    const Environment set("SWM_NO_DEVICE", "1");
    CHECK(!MTLCreateSystemDefaultDevice());
    NSArray<id<MTLDevice>>* all = MTLCopyAllDevices();
    CHECK(all && [all count] == 0);
    [all release];
  }
}

TEST("SWM_FAIL_COMPILE and SWM_FAIL_KERNEL fail with an error and leave nothing behind") {
  Gpu gpu("basics.metal");
  std::string error;
  {
    const Environment set("SWM_FAIL_KERNEL", "scale");
    CHECK(!gpu.Pipeline("scale", &error) && !error.empty());
    CHECK(gpu.Pipeline("group_sum"));
  }
  CHECK(gpu.Pipeline("scale"));
  const Environment set("SWM_FAIL_COMPILE", "1");
  NSError* reason = nil;
  CHECK(![gpu.device() newLibraryWithSource:@"#include <metal_stdlib>\n" options:nil error:&reason]);
  CHECK([reason code] == MTLLibraryErrorCompileFailure);
}

TEST("SWM_FAIL_BUFFER fails one command buffer and SWM_FAIL_FROM all from one on") {
  CheckBuffers("SWM_FAIL_BUFFER", 2, MTLCommandBufferErrorInternal, 4, "+1++");
  CheckBuffers("SWM_FAIL_BUFFER", 1, MTLCommandBufferErrorOutOfMemory, 2, "8+");
  CheckBuffers("SWM_FAIL_FROM", 3, MTLCommandBufferErrorAccessRevoked, 5, "++444");
}

TEST("an internal error says of itself only what macOS says") {
  Gpu gpu("basics.metal");
  const Environment set("SWM_FAIL_FROM", "1:1");
  id<MTLBuffer> in = gpu.Buffer(std::vector<float>(3));
  id<MTLCommandBuffer> commands =
      gpu.Encode("product_and_sum", {in, gpu.Buffer(std::vector<float>(1))}, {}, 1, 1);
  [commands commit];
  [commands waitUntilCompleted];
  CHECK(
      [[[commands error] localizedDescription] isEqualToString:@"Internal Error (0000000e:Internal Error)"]);
}

TEST("SWM_MAX_BUFFER limits buffers and SWM_OUT_OF_MEMORY refuses them") {
  Gpu gpu("basics.metal");
  const Environment limit("SWM_MAX_BUFFER", "65536");
  CHECK([gpu.device() maxBufferLength] == 65536);
  id<MTLBuffer> largest = [gpu.device() newBufferWithLength:65536 options:MTLResourceStorageModeShared];
  CHECK(largest);
  [largest release];
  CHECK(
      Contains(Abort([&] { [gpu.device() newBufferWithLength:65537 options:MTLResourceStorageModeShared]; }),
               "the device allows 65536"));
  const Environment none("SWM_OUT_OF_MEMORY", "1");
  CHECK(![gpu.device() newBufferWithLength:16 options:MTLResourceStorageModeShared]);
  CHECK(![gpu.device() newBufferWithBytes:"1234" length:4 options:MTLResourceStorageModeShared]);
}

TEST("SWM_GPU_MS sets the time that command buffers report") {
  Gpu gpu("basics.metal");
  const Environment set("SWM_GPU_MS", "437.5");
  id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
  id<MTLCommandBuffer> commands =
      gpu.Encode("group_sum", {in, gpu.Buffer(std::vector<uint32_t>(1))}, {}, 256, 256);
  Gpu::Finish(commands);
  const double milliseconds = ([commands GPUEndTime] - [commands GPUStartTime]) * 1000;
  CHECK(std::abs(milliseconds - 437.5) < 1e-3, "%g", milliseconds);
}

TEST("SWM_MAX_THREADS limits the threadgroups of pipelines") {
  Gpu gpu("basics.metal");
  const Environment set("SWM_MAX_THREADS", "128");
  CHECK([gpu.Pipeline("group_sum") maxTotalThreadsPerThreadgroup] == 128);
  CHECK([gpu.Pipeline("at_most_64") maxTotalThreadsPerThreadgroup] == 64);
}
