// Misuse of the API ends the process with a message, as Metal's validation does.
#include "test/check.h"
#include "test/swmetal/selftest/gpu.h"
#include "test/swmetal/selftest/tools.h"

using swm::test::Abort;
using swm::test::Contains;
using swm::test::Environment;
using swm::test::Gpu;

namespace {

// One encoder on a fresh command buffer, in a child process.
std::string Encoded(Gpu& gpu, const std::function<void(id<MTLComputeCommandEncoder>)>& body) {
  return Abort([&] {
    id<MTLCommandBuffer> commands = [gpu.queue() commandBuffer];
    id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
    [encoder setComputePipelineState:gpu.Pipeline("scale")];
    body(encoder);
    [encoder endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
  });
}

void Dispatch(id<MTLComputeCommandEncoder> encoder, NSUInteger threads, NSUInteger group) {
  [encoder dispatchThreads:MTLSizeMake(threads, 1, 1) threadsPerThreadgroup:MTLSizeMake(group, 1, 1)];
}

}  // namespace

TEST("a dispatch is refused unless its arguments are bound, large enough and aligned") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> data = gpu.Buffer(std::vector<float>(64));
  id<MTLBuffer> small = gpu.Buffer(std::vector<uint8_t>(6));
  const uint32_t arguments[2] = {64, 0};
  const auto bind = [&](id<MTLComputeCommandEncoder> encoder, id<MTLBuffer> out, NSUInteger offset,
                        NSUInteger bytes) {
    [encoder setBuffer:data offset:0 atIndex:0];
    [encoder setBuffer:out offset:offset atIndex:1];
    if (bytes > 0) [encoder setBytes:arguments length:bytes atIndex:2];
    Dispatch(encoder, 64, 32);
  };
  CHECK(Encoded(gpu, [&](auto encoder) { bind(encoder, data, 0, 8); }) == "");
  CHECK(Contains(Encoded(gpu, [&](auto encoder) { bind(encoder, nil, 0, 8); }),
                 "no buffer is bound at index 1"));
  CHECK(Contains(Encoded(gpu, [&](auto encoder) { bind(encoder, data, 0, 0); }),
                 "no buffer is bound at index 2"));
  CHECK(Contains(Encoded(gpu, [&](auto encoder) { bind(encoder, data, 0, 4); }),
                 "4 bytes are bound at index 2"));
  CHECK(Contains(Encoded(gpu, [&](auto encoder) { bind(encoder, small, 4, 8); }),
                 "2 bytes are bound at index 1"));
  CHECK(Contains(Encoded(gpu, [&](auto encoder) { bind(encoder, data, 2, 8); }), "no multiple of 4"));
}

TEST("an encoder refuses indices, offsets, bytes and grids that Metal refuses") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> data = gpu.Buffer(std::vector<float>(64));
  const std::vector<uint8_t> bytes(5000);
  CHECK(Contains(Encoded(gpu, [&](auto e) { [e setBuffer:data offset:0 atIndex:31]; }), "the last is 30"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { [e setBuffer:data offset:256 atIndex:0]; }), "offset 256"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { [e setBufferOffset:4 atIndex:3]; }), "no buffer is bound"));
  CHECK(
      Contains(Encoded(gpu, [&](auto e) { [e setBytes:bytes.data() length:4097 atIndex:0]; }), "4097 bytes"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { [e setBytes:bytes.data() length:0 atIndex:0]; }), "0 bytes"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { Dispatch(e, 0, 32); }), "no threads"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { Dispatch(e, 32, 0); }), "no threads"));
  CHECK(Contains(Encoded(gpu, [&](auto e) { Dispatch(e, 2048, 1025); }), "its pipeline allows 1024"));
  const Environment set("SWM_MAX_THREADS", "128");
  CHECK(Contains(Encoded(gpu, [&](auto e) { Dispatch(e, 256, 129); }), "its pipeline allows 128"));
}

TEST("command buffers refuse steps out of order") {
  Gpu gpu("basics.metal");
  const auto fresh = [&] { return [gpu.queue() commandBuffer]; };
  CHECK(Contains(Abort([&] { [fresh() waitUntilCompleted]; }), "before commit"));
  CHECK(Contains(Abort([&] {
                   id<MTLCommandBuffer> commands = fresh();
                   [commands commit];
                   [commands commit];
                 }),
                 "committed twice"));
  CHECK(Contains(Abort([&] {
                   id<MTLCommandBuffer> commands = fresh();
                   [commands commit];
                   [commands addCompletedHandler:^(id<MTLCommandBuffer>){
                   }];
                 }),
                 "after commit"));
  CHECK(Contains(Abort([&] {
                   id<MTLCommandBuffer> commands = fresh();
                   [commands computeCommandEncoder];
                   [commands commit];
                 }),
                 "before endEncoding"));
  CHECK(Contains(Abort([&] {
                   id<MTLCommandBuffer> commands = fresh();
                   [commands computeCommandEncoder];
                   [commands computeCommandEncoder];
                 }),
                 "second encoder"));
  CHECK(Contains(Abort([&] {
                   id<MTLCommandBuffer> commands = fresh();
                   [commands commit];
                   [commands computeCommandEncoder];
                 }),
                 "committed command buffer"));
  CHECK(Contains(Abort([&] {
                   @autoreleasepool {
                     [fresh() computeCommandEncoder];
                   }
                 }),
                 "without endEncoding"));
  CHECK(Contains(Abort([&] {
                   id<MTLComputeCommandEncoder> encoder = [fresh() computeCommandEncoder];
                   Dispatch(encoder, 1, 1);
                 }),
                 "without a pipeline"));
  CHECK(Contains(Abort([&] {
                   id<MTLComputeCommandEncoder> encoder = [fresh() computeCommandEncoder];
                   [encoder endEncoding];
                   [encoder endEncoding];
                 }),
                 "after endEncoding"));
  CHECK(Contains(Abort([&] {
                   for (int i = 0; i < 65; ++i) fresh();
                 }),
                 "block for ever"));
}

TEST("buffers refuse no bytes and foreign memory that is not made of whole pages") {
  Gpu gpu("basics.metal");
  id<MTLDevice> device = gpu.device();
  CHECK(Contains(Abort([&] { [device newBufferWithLength:0 options:MTLResourceStorageModeShared]; }),
                 "no bytes"));
  alignas(16384) static char memory[32768];
  const auto wrap = [&](char* from, NSUInteger bytes) {
    return Abort([&] {
      [device newBufferWithBytesNoCopy:from
                                length:bytes
                               options:MTLResourceStorageModeShared
                           deallocator:nil];
    });
  };
  CHECK(wrap(memory, 16384) == "");
  CHECK(Contains(wrap(memory + 4096, 16384), "whole pages"));
  CHECK(Contains(wrap(memory, 20000), "whole pages"));
}

TEST("a kernel that leaves its buffer meets an inaccessible page") {
  Gpu gpu("basics.metal");
  id<MTLBuffer> large = gpu.Buffer(std::vector<float>(4096));
  id<MTLBuffer> small = gpu.Buffer(std::vector<float>(16));
  struct {
    uint32_t count;
    float factor;
  } arguments{4096, 1.0f};
  bool ended = false;
  const std::string written = Abort([&] {
    gpu.Run("scale", {large, small}, arguments, 4096, 64);
    std::fputs("survived", stderr);
    std::abort();
  });
  ended = !Contains(written, "survived");
  CHECK(ended);
}
