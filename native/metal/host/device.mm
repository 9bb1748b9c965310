// Opens the device: all kernels are compiled here, before the first call, as a process that was forked later
// could not.
#import "metal/host/device_state.h"

#include <pthread.h>

#include <cstdlib>

#include "core/metal_health.h"
#include "core/slab.h"

#include "metal/host/forked.h"
#import "metal/host/product.h"
#include "metal/host/source.h"

namespace nautilus::metal {
namespace {

std::string TextOf(NSError* error) {
  return error == nil ? "unknown error" : [[error localizedDescription] UTF8String];
}

// Command-line programs without a window server may have no default device, and still one in the list.
Owned<id<MTLDevice>> FindDevice() {
  Owned<id<MTLDevice>> device(MTLCreateSystemDefaultDevice());
  if (device) return device;
  Owned<NSArray*> all(MTLCopyAllDevices());
  if ([all.get() count] == 0) return {};
  return Owned<id<MTLDevice>>([[all.get() objectAtIndex:0] retain]);
}

// NaN and infinity mean something here, and sums are in their written order.
Owned<MTLCompileOptions*> SafeMath() {
  Owned<MTLCompileOptions*> options([MTLCompileOptions new]);
  [options.get() setLanguageVersion:MTLLanguageVersion3_1];
#if defined(__APPLE__)
  if (@available(macOS 15.0, *)) {
    [options.get() setMathMode:MTLMathModeSafe];
    // By default exp, log and their like are the fast ones all the same.
    [options.get() setMathFloatingPointFunctions:MTLMathFloatingPointFunctionsPrecise];
    return options;
  }
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
  [options.get() setFastMathEnabled:NO];
#else
  [options.get() setMathMode:MTLMathModeSafe];
  [options.get() setMathFloatingPointFunctions:MTLMathFloatingPointFunctionsPrecise];
#endif
  return options;
}

bool SwitchedOff() {
  const char* value = std::getenv("METAL_ACCELERATION");
  return value != nullptr && (std::string(value) == "0" || std::string(value) == "false");
}

// A forked child has the device's objects and not what is behind them: the compiler does not answer it.
const int watches_forks = pthread_atfork(nullptr, nullptr, [] { ForbidMetal(kForked); });

}  // namespace

Device& Device::Get() {
  // Never destroyed: at exit arrays in slabs may go after it, and work may still be under way.
  static auto* const device = new Device();
  return *device;
}

Device::Device() : state_(std::make_unique<DeviceState>()) {
  if (WhyMetalIsOut() == kForked || watches_forks != 0) {
    reason_ = kForked;
    return;
  }
  if (SwitchedOff()) {
    reason_ = "METAL_ACCELERATION is 0";
    return;
  }
  @autoreleasepool {
    Open();
  }
}

void Device::Open() {
  state_->device = FindDevice();
  if (!state_->device) {
    reason_ = "this machine shows no Metal device";
    return;
  }
  id<MTLDevice> device = state_->device.get();
  name_ = [[device name] UTF8String];
  state_->queue = Owned<id<MTLCommandQueue>>([device newCommandQueue]);
  OnUnmapSlab([](void* memory) {
    DeviceState& state = *Device::Get().state_;
    const std::lock_guard lock(state.mutex);
    state.slabs.erase(memory);
  });
  NSError* error = nil;
  auto options = SafeMath();
  Owned<id<MTLLibrary>> library([device newLibraryWithSource:StringOf(kMetalSource)
                                                     options:options.get()
                                                       error:&error]);
  if (!state_->queue || !library) {
    reason_ = "the Metal kernels did not compile: " + TextOf(error);
    return;
  }
  for (NSString* function in [library.get() functionNames]) {
    const std::string kernel = [function UTF8String];
    Owned<id<MTLFunction>> entry([library.get() newFunctionWithName:function]);
    error = nil;
    Owned<id<MTLComputePipelineState>> pipeline([device newComputePipelineStateWithFunction:entry.get()
                                                                                      error:&error]);
    // Without threads or lanes a pipeline is of no use, whatever it says.
    if (!pipeline || [pipeline.get() maxTotalThreadsPerThreadgroup] == 0) {
      broken_.push_back(kernel + ": " + TextOf(error));
      continue;
    }
    state_->pipelines.emplace(kernel, std::move(pipeline));
  }
  has_products_ = MayUseProducts(device);
}

std::pair<id<MTLBuffer>, size_t> DeviceState::FindInSlab(const void* memory, size_t bytes) {
  const Slab slab = FindSlab(memory, bytes);
  if (slab.memory == nullptr || slab.bytes > [device.get() maxBufferLength]) return {nil, 0};
  const std::lock_guard lock(mutex);
  Owned<id<MTLBuffer>>& buffer = slabs[slab.memory];
  if (!buffer) {
    buffer = Owned<id<MTLBuffer>>([device.get() newBufferWithBytesNoCopy:slab.memory
                                                                  length:slab.bytes
                                                                 options:MTLResourceStorageModeShared
                                                             deallocator:nil]);
  }
  const size_t offset = static_cast<const char*>(memory) - static_cast<const char*>(slab.memory);
  return {buffer.get(), offset};
}

bool Device::Has(const char* kernel) const { return reason_.empty() && state_->pipelines.contains(kernel); }

std::vector<MetalPipeline> Device::pipelines() const {
  std::vector<MetalPipeline> all;
  const std::lock_guard lock(state_->mutex);
  const auto add = [&](const std::string& kernel, id<MTLComputePipelineState> pipeline) {
    const DeviceState::Use& use = state_->uses[kernel];
    all.push_back({.kernel = kernel,
                   .max_threads = [pipeline maxTotalThreadsPerThreadgroup],
                   .simd_width = [pipeline threadExecutionWidth],
                   .threadgroup_bytes = [pipeline staticThreadgroupMemoryLength],
                   .group_threads = use.group_threads,
                   .commands = use.commands,
                   .gpu_seconds = use.gpu_seconds});
  };
  for (const auto& [kernel, pipeline] : state_->pipelines) add(kernel, pipeline.get());
  if (has_products_) add(kProducts, nil);
  return all;
}

void DeviceState::Count(const char* kernel, double seconds, uint64_t group_threads, bool done) {
  const std::lock_guard lock(mutex);
  ++counts.commands;
  counts.gpu_seconds += seconds;
  if (!done) ++counts.failures;
  Use& use = uses[kernel];
  ++use.commands;
  use.gpu_seconds += seconds;
  use.group_threads = group_threads;
}

MetalCounts Device::counts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counts;
}

}  // namespace nautilus::metal
