// Products as MPSMatrixMultiplication.
#import "metal/host/product.h"

#import <MetalPerformanceShaders/MetalPerformanceShaders.h>
#if defined(__APPLE__)
#import <CoreGraphics/CoreGraphics.h>
#endif

#include <cstdlib>
#include <string>

#import "metal/host/owned.h"

namespace nautilus::metal {
namespace {

// Whether this process belongs to a session with a window server.
bool HasWindows() {
#if defined(__APPLE__)
  const CFDictionaryRef session = CGSessionCopyCurrentDictionary();
  if (session == nullptr) return false;
  CFRelease(session);
  return true;
#else
  return false;
#endif
}

// A matrix whose rows of `stride` floats lie one after the other.
Owned<MPSMatrix*> View(const Matrix& matrix, size_t skip, uint64_t rows, uint64_t columns, uint64_t stride) {
  MPSMatrixDescriptor* const shape = [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                                                           columns:columns
                                                                          rowBytes:stride * sizeof(float)
                                                                          dataType:MPSDataTypeFloat32];
  return Owned<MPSMatrix*>([[MPSMatrix alloc] initWithBuffer:matrix.buffer
                                                      offset:matrix.offset + skip * sizeof(float)
                                                  descriptor:shape]);
}

}  // namespace

bool MayUseProducts(id<MTLDevice> device) {
  const char* const asked = std::getenv("NAUTILUS_MPS");
  const std::string value = asked == nullptr ? "" : asked;
  if (value == "0" || (value != "1" && !HasWindows())) return false;
  return MPSSupportsMTLDevice(device);
}

void EncodeProduct(const ProductCall& call, const Product& p, uint64_t first, uint64_t rows) {
  // Rows of op(a) are columns of a where that is transposed.
  const auto a = p.trans_a ? View(call.a, first, p.k, rows, p.m) : View(call.a, first * p.k, rows, p.k, p.k);
  const auto b = p.trans_b ? View(call.b, 0, p.n, p.k, p.k) : View(call.b, 0, p.k, p.n, p.n);
  const auto out = View(call.out, first * p.n, rows, p.n, p.n);
  Owned<MPSMatrixMultiplication*> kernel([[MPSMatrixMultiplication alloc] initWithDevice:call.device
                                                                           transposeLeft:p.trans_a
                                                                          transposeRight:p.trans_b
                                                                              resultRows:rows
                                                                           resultColumns:p.n
                                                                         interiorColumns:p.k
                                                                                   alpha:p.alpha
                                                                                    beta:p.beta]);
  [kernel.get() encodeToCommandBuffer:call.commands
                           leftMatrix:a.get()
                          rightMatrix:b.get()
                         resultMatrix:out.get()];
}

}  // namespace nautilus::metal
