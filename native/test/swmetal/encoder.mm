// The compute encoder: binds arguments and checks dispatches against their kernels, as API validation does.
#include <cstring>

#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

namespace {

unsigned long Long(NSUInteger number) { return static_cast<unsigned long>(number); }

void CheckIndex(NSUInteger index) {
  if (index >= SWM_BUFFERS) swm::Misuse("buffer index %lu, the last is 30", Long(index));
}

// Returns the number of threads, 0 when it does not fit into 32 bits.
uint32_t CheckedThreads(NSUInteger threads) {
  if (threads > UINT32_MAX) swm::Misuse("a grid of %lu threads in one direction", Long(threads));
  return static_cast<uint32_t>(threads);
}

}  // namespace

@implementation SoftEncoder

- (id)initWithCommandBuffer:(SoftCommandBuffer*)commands {
  if ((self = [super init])) commands_ = [commands retain];
  return self;
}

- (void)dealloc {
  if (!ended_) swm::Misuse("an encoder was released without endEncoding");
  [label_ release];
  [commands_ release];
  [super dealloc];
}

- (NSString*)label {
  return label_;
}
- (void)setLabel:(NSString*)label {
  [label_ autorelease];
  label_ = [label copy];
}

- (void)checkOpen {
  if (ended_) swm::Misuse("an encoder was used after endEncoding");
}

- (void)setComputePipelineState:(id<MTLComputePipelineState>)state {
  [self checkOpen];
  if (!state) swm::Misuse("setComputePipelineState: with nil");
  pipeline_ = (SoftPipeline*)state;
  [commands_ keep:state];
}

- (void)setBuffer:(id<MTLBuffer>)buffer offset:(NSUInteger)offset atIndex:(NSUInteger)index {
  [self checkOpen];
  CheckIndex(index);
  if (!buffer) {
    bound_[index] = {};
    return;
  }
  [commands_ keep:buffer];
  bound_[index].buffer = (SoftBuffer*)buffer;
  [self setBufferOffset:offset atIndex:index];
}

- (void)setBufferOffset:(NSUInteger)offset atIndex:(NSUInteger)index {
  [self checkOpen];
  CheckIndex(index);
  SoftBuffer* buffer = bound_[index].buffer;
  if (!buffer) swm::Misuse("an offset for index %lu, where no buffer is bound", Long(index));
  if (offset >= [buffer length]) {
    swm::Misuse("offset %lu of a buffer of %lu bytes", Long(offset), Long([buffer length]));
  }
  bound_[index].address = static_cast<char*>([buffer contents]) + offset;
  bound_[index].bytes = [buffer length] - offset;
}

- (void)setBytes:(const void*)bytes length:(NSUInteger)length atIndex:(NSUInteger)index {
  [self checkOpen];
  CheckIndex(index);
  if (!bytes || length == 0 || length > swm::kSetBytesLimit) {
    swm::Misuse("setBytes of %lu bytes, which may be 1 to 4096", Long(length));
  }
  // A buffer of its own: kernels that read past its end are found.
  SoftBuffer* copy = [[[SoftBuffer alloc] initWithLength:length] autorelease];
  std::memcpy([copy contents], bytes, length);
  [self setBuffer:copy offset:0 atIndex:index];
  bound_[index].buffer = nil;
}

- (void)dispatchThreadgroups:(MTLSize)threadgroupsPerGrid
       threadsPerThreadgroup:(MTLSize)threadsPerThreadgroup {
  const MTLSize groups = threadgroupsPerGrid;
  const MTLSize group = threadsPerThreadgroup;
  [self dispatchThreads:MTLSizeMake(groups.width * group.width, groups.height * group.height,
                                    groups.depth * group.depth)
      threadsPerThreadgroup:group];
}

- (void)dispatchThreads:(MTLSize)threadsPerGrid threadsPerThreadgroup:(MTLSize)threadsPerThreadgroup {
  [self checkOpen];
  const MTLSize threads = threadsPerGrid;
  const MTLSize group = threadsPerThreadgroup;
  if (!pipeline_) swm::Misuse("a dispatch without a pipeline");
  const char* name = [pipeline_ function]->name;
  if (threads.width * threads.height * threads.depth == 0 || group.width * group.height * group.depth == 0) {
    swm::Misuse("kernel %s: a dispatch of no threads", name);
  }
  if (group.width * group.height * group.depth > [pipeline_ maxTotalThreadsPerThreadgroup]) {
    swm::Misuse("kernel %s: %lu threads per threadgroup, its pipeline allows %lu", name,
                Long(group.width * group.height * group.depth),
                Long([pipeline_ maxTotalThreadsPerThreadgroup]));
  }
  swm::faults::Trace(name);
  auto dispatch = std::make_shared<swm::Dispatch>();
  dispatch->function = [pipeline_ function];
  dispatch->threads = {CheckedThreads(threads.width), CheckedThreads(threads.height),
                       CheckedThreads(threads.depth)};
  dispatch->group = {CheckedThreads(group.width), CheckedThreads(group.height), CheckedThreads(group.depth)};
  [self bindArguments:dispatch.get()];
  [commands_ addWork:[dispatch] { swm::Run(*dispatch); }];
}

- (void)bindArguments:(swm::Dispatch*)dispatch {
  for (int index = 0; index < SWM_BUFFERS; ++index) {
    dispatch->buffers[index] = reinterpret_cast<uint64_t>(bound_[index].address);
  }
  const char* name = dispatch->function->name;
  for (const swm_argument* argument = dispatch->function->arguments; argument->bytes != 0; ++argument) {
    const auto& bound = bound_[argument->index];
    if (!bound.address) swm::Misuse("kernel %s: no buffer is bound at index %u", name, argument->index);
    if (bound.bytes < argument->bytes) {
      swm::Misuse("kernel %s: %lu bytes are bound at index %u, where the kernel reads %u", name,
                  Long(bound.bytes), argument->index, argument->bytes);
    }
    if (reinterpret_cast<uintptr_t>(bound.address) % argument->alignment != 0) {
      swm::Misuse("kernel %s: the offset at index %u is no multiple of %u", name, argument->index,
                  argument->alignment);
    }
  }
}

- (void)endEncoding {
  [self checkOpen];
  ended_ = YES;
  [commands_ endEncoding];
}

@end
