// Large products by Metal Performance Shaders.
#ifndef NAUTILUS_METAL_HOST_PRODUCT_H_
#define NAUTILUS_METAL_HOST_PRODUCT_H_

#import <Metal/Metal.h>

#include "metal/host/device.h"

namespace nautilus::metal {

// Whether products may go to the framework on this device. It ends processes without a window server (those
// of ssh and of daemons) when it is asked, so by default only those with one ask; NAUTILUS_MPS=1 asks, 0
// never does.
bool MayUseProducts(id<MTLDevice> device);

struct Matrix {
  id<MTLBuffer> buffer;
  size_t offset;
};

struct ProductCall {
  id<MTLDevice> device;
  id<MTLCommandBuffer> commands;
  Matrix a, b, out;
};

// Encodes rows [first, first + rows) of the product.
void EncodeProduct(const ProductCall& call, const Product& product, uint64_t first, uint64_t rows);

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_PRODUCT_H_
