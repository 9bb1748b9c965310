// The classes behind the protocols of Metal.h, as the files of the device see each other.
#ifndef NAUTILUS_TEST_SWMETAL_SOFT_H_
#define NAUTILUS_TEST_SWMETAL_SOFT_H_

#import <Metal/Metal.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "test/swmetal/library.h"
#include "test/swmetal/runtime.h"

namespace swm {

constexpr NSUInteger kPageBytes = 16384;  // of Apple silicon
constexpr NSUInteger kSetBytesLimit = 4096;

NSError* MakeError(NSString* domain, NSInteger code, const std::string& text);
NSString* Text(const std::string& text);

// There is one device in a process, as on a Mac.
id<MTLDevice> SharedDevice();
// Notes a command buffer that was committed, by its label, while a capture runs.
void NoteCommands(NSString* label);
// Counts bytes of buffers: negative when one goes.
void CountAllocated(int64_t bytes);

// Objects that a command buffer keeps alive.
class Kept {
 public:
  Kept() = default;
  ~Kept();
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  void Add(id object);

 private:
  std::vector<id> objects_;
};

}  // namespace swm

@interface SoftBuffer : NSObject <MTLBuffer> {
  char* contents_;
  NSUInteger length_;
  char* mapping_;
  NSUInteger mapped_;
}
// Memory of our own, zero, that ends where an inaccessible page begins. Nil when there is none left.
- (id)initWithLength:(NSUInteger)length;
- (id)initWithPointer:(void*)pointer length:(NSUInteger)length;
@end

@interface SoftFunction : NSObject <MTLFunction> {
  std::shared_ptr<swm::Library> library_;
  const swm_function* function_;
}
- (id)initWithLibrary:(std::shared_ptr<swm::Library>)library function:(const swm_function*)function;
- (const swm_function*)function;
@end

@interface SoftLibrary : NSObject <MTLLibrary> {
  std::shared_ptr<swm::Library> library_;
}
- (id)initWithLibrary:(std::shared_ptr<swm::Library>)library;
@end

@interface SoftPipeline : NSObject <MTLComputePipelineState> {
  SoftFunction* function_;
  NSUInteger maxThreads_;
}
- (id)initWithFunction:(SoftFunction*)function maxThreads:(NSUInteger)maxThreads;
- (const swm_function*)function;
@end

@class SoftCommandBuffer;

@interface SoftCommandQueue : NSObject <MTLCommandQueue> {
  NSString* label_;
  NSUInteger limit_;
  std::mutex mutex_;  // of what follows
  NSUInteger uncompleted_;
  std::deque<SoftCommandBuffer*> committed_;
}
- (id)initWithLimit:(NSUInteger)limit;
- (void)commit:(SoftCommandBuffer*)buffer;
// Runs what was committed, in order, until `buffer` is complete.
- (void)runUntil:(SoftCommandBuffer*)buffer;
// For a command buffer that goes without having been committed.
- (void)givePlaceBack;
@end

@interface SoftCommandBuffer : NSObject <MTLCommandBuffer> {
  NSString* label_;
  SoftCommandQueue* queue_;
  std::vector<std::function<void()>> work_;
  std::vector<MTLCommandBufferHandler> handlers_;
  swm::Kept kept_;
  MTLCommandBufferStatus status_;
  NSError* error_;
  BOOL encoding_;
  BOOL asked_;
  int fault_;
  CFTimeInterval start_, end_;
}
- (id)initWithQueue:(SoftCommandQueue*)queue;
// For encoders: nothing may be encoded any more once the buffer is committed.
- (void)beginEncoding;
- (void)endEncoding;
- (void)keep:(id)object;
- (void)addWork:(std::function<void()>)work;
// For the queue.
- (void)run;
// Runs it, and what was committed before, and then its handlers; on a thread of the device.
- (void)finish;
- (BOOL)hasRun;
@end

@interface SoftEncoder : NSObject <MTLComputeCommandEncoder> {
  NSString* label_;
  SoftCommandBuffer* commands_;
  SoftPipeline* pipeline_;
  struct {
    char* address;
    NSUInteger bytes;  // from the address on
    SoftBuffer* buffer;
  } bound_[SWM_BUFFERS];
  BOOL ended_;
}
- (id)initWithCommandBuffer:(SoftCommandBuffer*)commands;
@end

#endif  // NAUTILUS_TEST_SWMETAL_SOFT_H_
