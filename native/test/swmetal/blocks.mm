// Blocks as clang compiles them: GCC's Objective-C runtime has none of what they need. Their layout is that
// of clang's "Block Implementation Specification".
#import <Foundation/Foundation.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace {

struct Descriptor {
  unsigned long reserved;
  unsigned long size;
  void (*copy)(void* to, const void* from);  // these two only with kHasHelpers
  void (*dispose)(const void* block);
};

struct Block {
  void* isa;
  std::atomic<int> flags;
  int reserved;
  void (*invoke)();
  Descriptor* descriptor;
};

constexpr int kCounted = 0xfffe;  // references, in steps of 2
constexpr int kIsOnHeap = 1 << 24;
constexpr int kHasHelpers = 1 << 25;
constexpr int kIsGlobal = 1 << 28;
// Kinds of what a block holds.
constexpr int kKinds = 0xf;
constexpr int kObject = 3;
constexpr int kBlock = 7;

}  // namespace

extern "C" {

void* _NSConcreteStackBlock[32];
void* _NSConcreteGlobalBlock[32];

void* _Block_copy(const void* argument) {
  auto* block = static_cast<Block*>(const_cast<void*>(argument));
  if (block == nullptr || (block->flags & kIsGlobal) != 0) return block;
  if ((block->flags & kIsOnHeap) != 0) {
    block->flags += 2;
    return block;
  }
  auto* copy = static_cast<Block*>(std::malloc(block->descriptor->size));
  if (copy == nullptr) std::abort();
  std::memcpy(static_cast<void*>(copy), block, block->descriptor->size);
  copy->flags = (copy->flags & ~kCounted) | kIsOnHeap | 2;
  if ((copy->flags & kHasHelpers) != 0) copy->descriptor->copy(copy, block);
  return copy;
}

void _Block_release(const void* argument) {
  auto* block = static_cast<Block*>(const_cast<void*>(argument));
  if (block == nullptr || (block->flags & kIsOnHeap) == 0) return;
  if (((block->flags -= 2) & kCounted) != 0) return;
  if ((block->flags & kHasHelpers) != 0) block->descriptor->dispose(block);
  std::free(block);
}

void _Block_object_assign(void* to, const void* held, int flags) {
  const int kind = flags & kKinds;
  if (kind == kObject) [(id)held retain];
  *static_cast<const void**>(to) = kind == kBlock ? _Block_copy(held) : held;
}

void _Block_object_dispose(const void* held, int flags) {
  const int kind = flags & kKinds;
  if (kind == kObject) [(id)held release];
  if (kind == kBlock) _Block_release(held);
}
}
