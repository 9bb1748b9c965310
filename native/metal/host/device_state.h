// What the device keeps; for the host's own files.
#ifndef NAUTILUS_METAL_HOST_DEVICE_STATE_H_
#define NAUTILUS_METAL_HOST_DEVICE_STATE_H_

#import <Metal/Metal.h>

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "metal/host/device.h"
#include "metal/host/owned.h"
#include "metal/host/pace.h"

namespace nautilus::metal {

struct DeviceState {
  Owned<id<MTLDevice>> device;
  Owned<id<MTLCommandQueue>> queue;
  std::map<std::string, Owned<id<MTLComputePipelineState>>, std::less<>> pipelines;
  Pace pace;
  std::mutex mutex;  // of what follows
  MetalCounts counts;
  // Slabs as buffers of the device, without a copy, by their first address.
  std::map<void*, Owned<id<MTLBuffer>>> slabs;

  // Returns the buffer of the slab that holds this memory and where in it that begins; nil when none does.
  std::pair<id<MTLBuffer>, size_t> FindInSlab(const void* memory, size_t bytes);
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_DEVICE_STATE_H_
