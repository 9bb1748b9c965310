// The device and its objects: properties, buffers, libraries, the order of command buffers.
#include <atomic>
#include <future>
#include <memory>
#include <thread>

#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;

TEST("the device is one object, alone in the list of all devices, and describes itself as an M4 does") {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    NSArray<id<MTLDevice>>* all = MTLCopyAllDevices();
    CHECK([all count] == 1 && [all objectAtIndex:0] == device);
    CHECK([[device name] isEqualToString:@"SoftMetal"]);
    CHECK(device.hasUnifiedMemory && device.registryID != 0 && device.maxThreadgroupMemoryLength == 32768);
    CHECK(device.recommendedMaxWorkingSetSize > device.maxBufferLength);
    CHECK([device supportsFamily:MTLGPUFamilyApple9] && [device supportsFamily:MTLGPUFamilyMetal3]);
    CHECK(![device supportsFamily:MTLGPUFamilyApple10] && ![device supportsFamily:MTLGPUFamilyMetal4]);
    const Environment virtual_machine("SWM_FAMILY", "5");
    CHECK([device supportsFamily:MTLGPUFamilyApple5] && ![device supportsFamily:MTLGPUFamilyApple6]);
    CHECK(![device supportsFamily:MTLGPUFamilyMetal3]);
    [all release];
    [device release];
  }
}

TEST("compile options hold what is set, and the older property sets the newer ones") {
  @autoreleasepool {
    MTLCompileOptions* options = [[MTLCompileOptions new] autorelease];
    options.languageVersion = MTLLanguageVersion3_2;
    options.fastMathEnabled = NO;
    CHECK(options.mathMode == MTLMathModeSafe && !options.fastMathEnabled);
    CHECK(options.mathFloatingPointFunctions == MTLMathFloatingPointFunctionsPrecise);
    if (@available(macOS 15.0, *)) options.mathMode = MTLMathModeFast;
    CHECK(options.fastMathEnabled && options.languageVersion == MTLLanguageVersion3_2);
  }
}

TEST("math mode and language version reach the compiler") {
  @autoreleasepool {
    id<MTLDevice> device = MTLCreateSystemDefaultDevice();
    NSString* source =
        @"#include <metal_stdlib>\n"
        @"kernel void version(device uint* out [[buffer(0)]]) { out[0] = __METAL_VERSION__; }\n"
        @"#if __METAL_VERSION__ != 320\n#error another version\n#endif\n"
        @"#if defined(__FAST_MATH__)\n#error fast\n#endif\n";
    MTLCompileOptions* options = [[MTLCompileOptions new] autorelease];
    options.languageVersion = MTLLanguageVersion3_2;
    NSError* error = nil;
    CHECK(![device newLibraryWithSource:source options:options error:&error]);
    CHECK(Contains([[error localizedDescription] UTF8String], "error: fast"));
    options.mathMode = MTLMathModeSafe;
    id<MTLLibrary> library = [device newLibraryWithSource:source options:options error:&error];
    CHECK([[library functionNames] isEqualToArray:[NSArray arrayWithObject:@"version"]]);
    [library release];
    options.languageVersion = MTLLanguageVersion3_1;
    error = nil;
    CHECK(![device newLibraryWithSource:source options:options error:&error]);
    CHECK([[error domain] isEqualToString:MTLLibraryErrorDomain] &&
          [error code] == MTLLibraryErrorCompileFailure);
    CHECK(Contains([[error localizedDescription] UTF8String], "program_source:4"), "%s",
          [[error localizedDescription] UTF8String]);
    [device release];
  }
}

TEST("an unknown function is nil") {
  Gpu gpu("basics.metal");
  CHECK(![gpu.library() newFunctionWithName:@"no_such_kernel"]);
}

TEST("new buffers are zero, are counted while they live, and may be memory of the caller") {
  Gpu gpu("basics.metal");
  @autoreleasepool {
    const NSUInteger before = gpu.device().currentAllocatedSize;
    id<MTLBuffer> buffer = [gpu.device() newBufferWithLength:100'000 options:MTLResourceStorageModeShared];
    const char* bytes = static_cast<const char*>([buffer contents]);
    CHECK([buffer length] == 100'000 && std::count(bytes, bytes + 100'000, 0) == 100'000);
    CHECK(gpu.device().currentAllocatedSize == before + 100'000);
    [buffer release];
    CHECK(gpu.device().currentAllocatedSize == before);
    void* memory = nullptr;
    CHECK(posix_memalign(&memory, 16384, 32768) == 0);
    id<MTLBuffer> wrapped = [gpu.device() newBufferWithBytesNoCopy:memory
                                                            length:32768
                                                           options:MTLResourceStorageModeShared
                                                       deallocator:nil];
    CHECK([wrapped contents] == memory && [wrapped length] == 32768);
    [wrapped release];
    std::free(memory);
  }
}

TEST("results appear when the host waits, not before") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
  id<MTLBuffer> out = gpu.Buffer(std::vector<uint32_t>(1, 77));
  id<MTLCommandBuffer> commands = gpu.Encode("group_sum", {in, out}, {}, 256, 256);
  CHECK([commands status] == MTLCommandBufferStatusNotEnqueued);
  [commands commit];
  CHECK([commands status] == MTLCommandBufferStatusCommitted);
  CHECK(Gpu::Read<uint32_t>(out)[0] == 77);
  [commands waitUntilCompleted];
  CHECK([commands status] == MTLCommandBufferStatusCompleted && ![commands error]);
  CHECK(Gpu::Read<uint32_t>(out)[0] == 256);
  CHECK([commands GPUEndTime] >= [commands GPUStartTime] && [commands GPUStartTime] > 0);
}

TEST("handlers hear of the end on a thread of the device, and nobody has to wait for it") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> out = gpu.Buffer(std::vector<float>(64));
  id<MTLBuffer> in = gpu.Buffer(std::vector<float>(64, 2.0f));
  struct ScaleArguments {
    uint32_t count;
    float factor;
  } arguments{64, 3};
  const auto* bytes = reinterpret_cast<const uint8_t*>(&arguments);
  struct Heard {
    std::promise<float> value;
    std::atomic<int> calls{0};
    std::thread::id thread;
    MTLCommandBufferStatus status;
  };
  for (int round = 0; round < 20; ++round) {
    id<MTLCommandBuffer> commands =
        gpu.Encode("scale", {in, out}, {bytes, bytes + sizeof(arguments)}, 64, 32);
    const auto heard = std::make_shared<Heard>();
    [commands addCompletedHandler:^(id<MTLCommandBuffer>) {
      ++heard->calls;
    }];
    [commands addCompletedHandler:^(id<MTLCommandBuffer> done) {
      heard->thread = std::this_thread::get_id();
      heard->status = [done status];
      heard->value.set_value(Gpu::Read<float>(out)[63]);
    }];
    [commands commit];
    CHECK(heard->value.get_future().get() == 6.0f && heard->calls == 1);
    CHECK(heard->thread != std::this_thread::get_id() && heard->status == MTLCommandBufferStatusCompleted);
  }
}

TEST("a host that asks for the status again sees the work done") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
  id<MTLBuffer> out = gpu.Buffer(std::vector<uint32_t>(1));
  id<MTLCommandBuffer> commands = gpu.Encode("group_sum", {in, out}, {}, 256, 256);
  [commands commit];
  int polls = 1;
  while ([commands status] != MTLCommandBufferStatusCompleted && polls < 100) ++polls;
  CHECK(polls == 2 && Gpu::Read<uint32_t>(out)[0] == 256);
}

TEST("command buffers run in the order of their commits") {
  Gpu gpu("basics.metal");
  // Each reads what the one before wrote.
  std::vector<id<MTLBuffer>> stages;
  for (int stage = 0; stage <= 5; ++stage) stages.push_back(gpu.Buffer(std::vector<float>(1, 1.0f)));
  const struct {
    uint32_t count;
    float factor;
  } twice{1, 2.0f};
  const auto* first = reinterpret_cast<const uint8_t*>(&twice);
  id<MTLCommandBuffer> last = nil;
  for (int stage = 0; stage < 5; ++stage) {
    last = gpu.Encode("scale", {stages[stage], stages[stage + 1]}, {first, first + sizeof twice}, 1, 1);
    [last commit];
  }
  [last waitUntilCompleted];
  CHECK(Gpu::Read<float>(stages[5])[0] == 32.0f);
}

TEST("a queue makes room for more than 64 command buffers by running the oldest") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
  id<MTLBuffer> out = gpu.Buffer(std::vector<uint32_t>(1));
  std::vector<id<MTLCommandBuffer>> commands;
  for (int i = 0; i < 70; ++i) {
    commands.push_back(gpu.Encode("group_sum", {in, out}, {}, 256, 256));
    [commands.back() commit];
  }
  CHECK([commands[0] status] == MTLCommandBufferStatusCompleted);
  CHECK([commands[6] status] == MTLCommandBufferStatusCommitted);
  [commands.back() waitUntilCompleted];
  CHECK([commands[68] status] == MTLCommandBufferStatusCompleted);
  // Those that are dropped without a commit give their places back.
  for (int i = 0; i < 200; ++i) {
    @autoreleasepool {
      [gpu.queue() commandBuffer];
    }
  }
}

TEST("several threads may use one queue") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> in = gpu.Buffer(std::vector<uint32_t>(256, 1));
  std::vector<id<MTLBuffer>> results;
  for (int i = 0; i < 4; ++i) results.push_back(gpu.Buffer(std::vector<uint32_t>(1)));
  id<MTLComputePipelineState> pipeline = gpu.Pipeline("group_sum");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        @autoreleasepool {
          id<MTLCommandBuffer> commands = [gpu.queue() commandBuffer];
          id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
          [encoder setComputePipelineState:pipeline];
          [encoder setBuffer:in offset:0 atIndex:0];
          [encoder setBuffer:results[i] offset:0 atIndex:1];
          [encoder dispatchThreadgroups:MTLSizeMake(1, 1, 1) threadsPerThreadgroup:MTLSizeMake(256, 1, 1)];
          [encoder endEncoding];
          [commands commit];
          [commands waitUntilCompleted];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (id<MTLBuffer> result : results) CHECK(Gpu::Read<uint32_t>(result)[0] == 256);
}

TEST("C++ exceptions pass through Objective-C++ and are caught there") {
  bool caught = false;
  @autoreleasepool {
    try {
      @autoreleasepool {
        [[NSString stringWithUTF8String:"kept until the pool goes"] length];
        throw std::string("thrown");
      }
    } catch (const std::string& text) {
      caught = text == "thrown";
    }
  }
  CHECK(caught);
}
