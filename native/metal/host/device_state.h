// What the device keeps; for the host's own files.
#ifndef NAUTILUS_METAL_HOST_DEVICE_STATE_H_
#define NAUTILUS_METAL_HOST_DEVICE_STATE_H_

#import <Metal/Metal.h>

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "metal/host/capture.h"
#include "metal/host/device.h"
#include "metal/host/owned.h"
#include "metal/host/pace.h"

namespace nautilus::metal {

inline NSString* StringOf(const std::string& text) { return [NSString stringWithUTF8String:text.c_str()]; }

struct DeviceState {
  Owned<id<MTLDevice>> device;
  Owned<id<MTLCommandQueue>> queue;
  std::map<std::string, Owned<id<MTLComputePipelineState>>, std::less<>> pipelines;
  Pace pace;
  Capture capture;
  std::mutex mutex;  // of what follows
  MetalCounts counts;
  // What each kernel did, by its name.
  struct Use {
    uint64_t commands = 0;
    double gpu_seconds = 0;
    uint64_t group_threads = 0;
  };
  std::map<std::string, Use, std::less<>> uses;
  // Slabs as buffers of the device, without a copy, by their first address.
  std::map<void*, Owned<id<MTLBuffer>>> slabs;

  // Returns the buffer of the slab that holds this memory and where in it that begins; nil when none does.
  std::pair<id<MTLBuffer>, size_t> FindInSlab(const void* memory, size_t bytes);

  // Counts a command buffer of `kernel` that ended.
  void Count(const char* kernel, double seconds, uint64_t group_threads, bool done);
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_DEVICE_STATE_H_
