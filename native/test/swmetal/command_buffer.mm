// Command buffers: what was encoded, its status, its errors, and who hears of its end.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <thread>

#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

namespace swm {

Kept::~Kept() {
  for (id object : objects_) [object release];
}

void Kept::Add(id object) { objects_.push_back([object retain]); }

}  // namespace swm

namespace {

// The thread of the device: it runs command buffers that have handlers, without anybody waiting for them, and
// calls those. Handlers never run on a thread of the host.
class HandlerThread {
 public:
  static HandlerThread& Get() {
    static auto* const made = new HandlerThread();
    return *made;
  }

  void Add(SoftCommandBuffer* buffer) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      buffers_.push_back([buffer retain]);
    }
    wake_.notify_one();
  }

 private:
  HandlerThread() {
    std::thread([this] { Loop(); }).detach();
  }

  void Loop() {
    while (true) {
      SoftCommandBuffer* buffer = nil;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        wake_.wait(lock, [this] { return !buffers_.empty(); });
        buffer = buffers_.front();
        buffers_.pop_front();
      }
      @autoreleasepool {
        [buffer finish];
        [buffer release];
      }
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<SoftCommandBuffer*> buffers_;
};

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string ErrorText(int code) {
  switch (code) {
    case MTLCommandBufferErrorInternal:
      // All that macOS 15 says of a buffer that was stopped to keep the display alive.
      return "Internal Error (0000000e:Internal Error)";
    case MTLCommandBufferErrorTimeout:
      return "Caused GPU Timeout Error (00000002:kIOGPUCommandBufferCallbackErrorTimeout)";
    case MTLCommandBufferErrorPageFault:
      return "Caused GPU Address Fault Error (0000000b:kIOGPUCommandBufferCallbackErrorPageFault)";
    case MTLCommandBufferErrorAccessRevoked:
      return "Ignored (for causing prior/excessive GPU errors) "
             "(00000004:kIOGPUCommandBufferCallbackErrorSubmissionsIgnored)";
    case MTLCommandBufferErrorOutOfMemory:
      return "Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)";
    default:
      return "Command buffer failed with code " + std::to_string(code);
  }
}

}  // namespace

@implementation SoftCommandBuffer

- (id)initWithQueue:(SoftCommandQueue*)queue {
  if ((self = [super init])) queue_ = [queue retain];
  return self;
}

- (void)dealloc {
  if (encoding_) swm::Misuse("a command buffer was released before its encoder ended");
  if (status_ < MTLCommandBufferStatusCommitted) [queue_ givePlaceBack];
  for (MTLCommandBufferHandler handler : handlers_) _Block_release(handler);
  [label_ release];
  [error_ release];
  [queue_ release];
  [super dealloc];
}

- (id<MTLDevice>)device {
  return swm::SharedDevice();
}
- (id<MTLCommandQueue>)commandQueue {
  return queue_;
}
- (NSString*)label {
  return label_;
}
- (void)setLabel:(NSString*)label {
  [label_ autorelease];
  label_ = [label copy];
}

- (id<MTLComputeCommandEncoder>)computeCommandEncoder {
  [self beginEncoding];
  return [[[SoftEncoder alloc] initWithCommandBuffer:self] autorelease];
}

- (void)beginEncoding {
  if (encoding_) swm::Misuse("a second encoder before endEncoding of the first");
  if (status_ >= MTLCommandBufferStatusCommitted) swm::Misuse("an encoder of a committed command buffer");
  encoding_ = YES;
}
- (void)endEncoding {
  encoding_ = NO;
}
- (void)keep:(id)object {
  kept_.Add(object);
}
- (void)addWork:(std::function<void()>)work {
  work_.push_back(std::move(work));
}

- (void)addCompletedHandler:(MTLCommandBufferHandler)block {
  if (!block) swm::Misuse("addCompletedHandler: with nil");
  if (status_ >= MTLCommandBufferStatusCommitted) swm::Misuse("addCompletedHandler: after commit");
  handlers_.push_back((MTLCommandBufferHandler)_Block_copy(block));
}

- (void)commit {
  if (encoding_) swm::Misuse("commit before endEncoding");
  if (status_ >= MTLCommandBufferStatusCommitted) swm::Misuse("a command buffer was committed twice");
  fault_ = swm::faults::CommitError();
  swm::NoteCommands(label_);
  [self setStatus:MTLCommandBufferStatusCommitted];
  [queue_ commit:self];
  if (!handlers_.empty()) HandlerThread::Get().Add(self);
}

- (void)finish {
  [queue_ runUntil:self];
  for (MTLCommandBufferHandler handler : handlers_) handler(self);
}

- (void)waitUntilCompleted {
  if ([self storedStatus] < MTLCommandBufferStatusCommitted) swm::Misuse("waitUntilCompleted before commit");
  [queue_ runUntil:self];
}

// Called by the queue, in the order of commits.
- (void)run {
  const double began = Seconds();
  if (fault_ != 0) {
    error_ = [swm::MakeError(MTLCommandBufferErrorDomain, fault_, ErrorText(fault_)) retain];
  } else {
    for (const std::function<void()>& work : work_) work();
  }
  const std::optional<double> milliseconds = swm::faults::GpuMs();
  start_ = began;
  end_ = milliseconds ? began + *milliseconds / 1000 : Seconds();
  work_.clear();
  [self setStatus:fault_ != 0 ? MTLCommandBufferStatusError : MTLCommandBufferStatusCompleted];
}

// Other threads may ask at any time.
- (MTLCommandBufferStatus)storedStatus {
  return __atomic_load_n(&status_, __ATOMIC_ACQUIRE);
}
- (void)setStatus:(MTLCommandBufferStatus)status {
  __atomic_store_n(&status_, status, __ATOMIC_RELEASE);
}

- (BOOL)hasRun {
  return [self storedStatus] >= MTLCommandBufferStatusCompleted;
}

// Whoever asks again sees the work done, so that a host may poll.
- (MTLCommandBufferStatus)status {
  if ([self storedStatus] == MTLCommandBufferStatusCommitted) {
    if (asked_) [queue_ runUntil:self];
    asked_ = YES;
  }
  return [self storedStatus];
}
- (NSError*)error {
  return error_;
}
- (CFTimeInterval)GPUStartTime {
  return start_;
}
- (CFTimeInterval)GPUEndTime {
  return end_;
}

@end
