// Kernels under the address and undefined-behaviour sanitizers, when the self test itself runs under them.
#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;
using swm::test::kSanitized;

namespace {

// What ends the process when a kernel runs on 61 values; all of them are `value`.
std::string Report(Gpu& gpu, const char* kernel, int value) {
  return Abort([&] {
    id<MTLBuffer> in = gpu.Buffer(std::vector<int>(61, value));
    id<MTLBuffer> out = gpu.Buffer(std::vector<int>(61));
    gpu.Run(kernel, {in, out}, 61, 61);
  });
}

}  // namespace

TEST("instrumented kernels run on fibers under each schedule") {
  Gpu gpu("sanitize.metal");
  for (const char* schedule : {"forward", "reverse", "random"}) {
    const Environment set("SWM_SCHEDULE", schedule);
    id<MTLBuffer> in = gpu.Buffer(std::vector<int>(64, 10));
    id<MTLBuffer> out = gpu.Buffer(std::vector<int>(64));
    gpu.Run("sums", {in, out}, 64, 64);
    for (int i = 0; i < 64; ++i) CHECK(Gpu::Read<int>(out)[i] == 10 + 1 + (63 - i) % 4 + 8 * 50, "at %d", i);
  }
}

TEST("what leaves its memory or its type is reported, where sanitizers run") {
  Gpu gpu("sanitize.metal");
  CHECK(Report(gpu, "past_private", 3) == "");
  CHECK(Report(gpu, "past_threadgroup", 60) == "");
  if (kSanitized) {
    CHECK(Contains(Report(gpu, "past_private", 5), "stack-buffer-overflow"));
    CHECK(Contains(Report(gpu, "past_threadgroup", 65), "global-buffer-overflow"));
    // Between the last value and the guard page, at most 15 bytes on.
    CHECK(Contains(Report(gpu, "past_device", 62), "use-after-poison"));
    CHECK(Contains(Report(gpu, "overflow", 100), "signed integer overflow"));
    CHECK(Contains(Report(gpu, "no_integer", 100), "outside the range of representable values"));
  }
}

TEST("an instrumented library in a process without the sanitizer does not open, and says why") {
  if (kSanitized) return;
  @autoreleasepool {
    const Environment set("SWM_SANITIZE", "1");
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    NSError* error = nil;
    NSString* source = [NSString stringWithUTF8String:swm::test::KernelText("schedule.metal").c_str()];
    CHECK(![device newLibraryWithSource:source options:nil error:&error]);
    CHECK(Contains([[error localizedDescription] UTF8String], "__asan"), "%s",
          [[error localizedDescription] UTF8String]);
    [device release];
  }
}
