// All Metal kernels as one text, compiled when the device is opened: no machine needs Apple's offline
// compiler.
#ifndef NAUTILUS_METAL_HOST_SOURCE_H_
#define NAUTILUS_METAL_HOST_SOURCE_H_

namespace nautilus::metal {

// Written by the build from native/metal/kernels and native/metal/generated.
extern const char kMetalSource[];

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_SOURCE_H_
