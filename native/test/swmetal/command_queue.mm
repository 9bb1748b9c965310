// The queue: command buffers run in the order of their commits, when the host waits or asks for their status.
//
// That they run late, on the thread that waits, is on purpose: a host that reads too early finds no results.
#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

namespace {

// There is one GPU.
std::mutex& Gpu() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

}  // namespace

@implementation SoftCommandQueue

- (id)initWithLimit:(NSUInteger)limit {
  if ((self = [super init])) limit_ = limit;
  return self;
}

- (void)dealloc {
  [label_ release];
  [super dealloc];
}

- (id<MTLDevice>)device {
  return swm::SharedDevice();
}
- (NSString*)label {
  return label_;
}
- (void)setLabel:(NSString*)label {
  [label_ autorelease];
  label_ = [label copy];
}

- (id<MTLCommandBuffer>)commandBuffer {
  while (SoftCommandBuffer* oldest = [self takePlace]) {
    [self runUntil:oldest];
    [oldest release];
  }
  return [[[SoftCommandBuffer alloc] initWithQueue:self] autorelease];
}

// Counts a new command buffer. When there are too many, returns one, retained, whose end makes room.
- (SoftCommandBuffer*)takePlace {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (uncompleted_ < limit_) {
    ++uncompleted_;
    return nil;
  }
  if (committed_.empty()) {
    swm::Misuse("%lu command buffers were made and not committed: commandBuffer would block for ever",
                static_cast<unsigned long>(limit_));
  }
  return [committed_.front() retain];
}

- (void)givePlaceBack {
  const std::lock_guard<std::mutex> lock(mutex_);
  --uncompleted_;
}

- (void)commit:(SoftCommandBuffer*)buffer {
  const std::lock_guard<std::mutex> lock(mutex_);
  committed_.push_back([buffer retain]);
}

- (SoftCommandBuffer*)takeNext {
  const std::lock_guard<std::mutex> lock(mutex_);
  SoftCommandBuffer* next = committed_.front();
  committed_.pop_front();
  return next;
}

- (void)runUntil:(SoftCommandBuffer*)buffer {
  const std::lock_guard<std::mutex> lock(Gpu());
  // Another thread may have run it while this one waited for the lock.
  while (![buffer hasRun]) {
    SoftCommandBuffer* next = [self takeNext];
    [next run];
    [self givePlaceBack];
    [next release];
  }
}

@end
