// The device as the self test uses it.
#include "test/swmetal/selftest/gpu.h"

#include <fstream>
#include <iterator>

#include "test/check.h"

namespace swm::test {

std::string KernelText(const std::string& file) {
  std::ifstream text(std::string(SWM_SELFTEST_KERNELS) + "/" + file);
  return {std::istreambuf_iterator<char>(text), {}};
}

std::string Changed(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  CHECK(at != std::string::npos, "%s", from.c_str());
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

Gpu::Gpu(const std::string& name, const std::string& source, MTLMathMode mode) {
  pool_ = [NSAutoreleasePool new];
  device_ = MTLCreateSystemDefaultDevice();
  queue_ = [device_ newCommandQueue];
  MTLCompileOptions* options = [[MTLCompileOptions new] autorelease];
  options.mathMode = mode;
  NSError* error = nil;
  library_ = [device_ newLibraryWithSource:[NSString stringWithUTF8String:source.c_str()]
                                   options:options
                                     error:&error];
  CHECK(library_, "%s: %s", name.c_str(), [[error localizedDescription] UTF8String]);
}

Gpu::~Gpu() {
  for (id object : owned_) [object release];
  [library_ release];
  [queue_ release];
  [device_ release];
  [pool_ release];
}

id<MTLBuffer> Gpu::Own(id<MTLBuffer> buffer) {
  owned_.push_back(buffer);
  return buffer;
}

id<MTLComputePipelineState> Gpu::Pipeline(const std::string& kernel, std::string* error) {
  id<MTLFunction> function = [library_ newFunctionWithName:[NSString stringWithUTF8String:kernel.c_str()]];
  CHECK(function, "%s", kernel.c_str());
  if (!function) return nil;
  NSError* reason = nil;
  id<MTLComputePipelineState> pipeline = [device_ newComputePipelineStateWithFunction:function error:&reason];
  if (error && reason) *error = [[reason localizedDescription] UTF8String];
  [function release];
  owned_.push_back(pipeline);
  return pipeline;
}

id<MTLCommandBuffer> Gpu::Encode(const std::string& kernel, const std::vector<id<MTLBuffer>>& buffers,
                                 const std::vector<uint8_t>& bytes, uint32_t threads, uint32_t group) {
  id<MTLCommandBuffer> commands = [queue_ commandBuffer];
  id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
  [encoder setComputePipelineState:Pipeline(kernel)];
  NSUInteger index = 0;
  for (id<MTLBuffer> buffer : buffers) [encoder setBuffer:buffer offset:0 atIndex:index++];
  if (!bytes.empty()) [encoder setBytes:bytes.data() length:bytes.size() atIndex:index];
  [encoder dispatchThreads:MTLSizeMake(threads, 1, 1) threadsPerThreadgroup:MTLSizeMake(group, 1, 1)];
  [encoder endEncoding];
  return commands;
}

void Gpu::Finish(id<MTLCommandBuffer> commands) {
  [commands commit];
  [commands waitUntilCompleted];
  CHECK([commands status] == MTLCommandBufferStatusCompleted, "%s",
        [[[commands error] localizedDescription] UTF8String]);
}

void Gpu::Run(const std::string& kernel, const std::vector<id<MTLBuffer>>& buffers, uint32_t threads,
              uint32_t group) {
  Finish(Encode(kernel, buffers, {}, threads, group));
}

}  // namespace swm::test
