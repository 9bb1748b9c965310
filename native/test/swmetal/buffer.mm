// Buffers: zeroed memory between guard pages, or memory of the caller. It ends at the guard, or begins there
// with SWM_ALIGN=start, so that a step beyond either side is found.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

// Present in a process that runs under the address sanitizer.
extern "C" {
__attribute__((weak)) void __asan_poison_memory_region(const void* from, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const void* from, size_t bytes);
}

namespace {

constexpr NSUInteger kAlignment = 16;  // of the largest vector type

NSUInteger RoundUp(NSUInteger bytes, NSUInteger to) { return (bytes + to - 1) / to * to; }

}  // namespace

@implementation SoftBuffer

- (id)initWithLength:(NSUInteger)length {
  if (!(self = [super init])) return nil;
  const NSUInteger pages = RoundUp(length, swm::kPageBytes);
  void* mapped = mmap(nullptr, pages + 2 * swm::kPageBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    [self release];
    return nil;
  }
  mapping_ = static_cast<char*>(mapped);
  mapped_ = pages + 2 * swm::kPageBytes;
  char* const inner = mapping_ + swm::kPageBytes;
  mprotect(mapping_, swm::kPageBytes, PROT_NONE);
  mprotect(inner + pages, swm::kPageBytes, PROT_NONE);
  const char* align = std::getenv("SWM_ALIGN");
  const bool at_start = align && std::strcmp(align, "start") == 0;
  const NSUInteger start = at_start ? 0 : pages - RoundUp(length, kAlignment);
  contents_ = inner + start;
  length_ = length;
  // The gaps before the start and after the end, which the guard pages leave open.
  std::memset(inner, 0xff, start);
  std::memset(contents_ + length, 0xff, pages - start - length);
  if (__asan_poison_memory_region) {
    __asan_poison_memory_region(inner, start);
    __asan_poison_memory_region(contents_ + length, pages - start - length);
  }
  swm::CountAllocated(static_cast<int64_t>(length));
  return self;
}

- (id)initWithPointer:(void*)pointer length:(NSUInteger)length {
  if (!(self = [super init])) return nil;
  contents_ = static_cast<char*>(pointer);
  length_ = length;
  swm::CountAllocated(static_cast<int64_t>(length));
  return self;
}

- (void)dealloc {
  if (length_) swm::CountAllocated(-static_cast<int64_t>(length_));
  if (mapping_) {
    if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(mapping_, mapped_);
    munmap(mapping_, mapped_);
  }
  [super dealloc];
}

- (id<MTLDevice>)device {
  return swm::SharedDevice();
}
- (void*)contents {
  return contents_;
}
- (NSUInteger)length {
  return length_;
}

@end
