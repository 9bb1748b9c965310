// The device: what it is, and what it makes.
#include <atomic>
#include <cstring>

#import "test/swmetal/compile.h"
#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

NSString* const MTLCommandBufferErrorDomain = @"MTLCommandBufferErrorDomain";
NSString* const MTLLibraryErrorDomain = @"MTLLibraryErrorDomain";

namespace {

std::atomic<int64_t> allocated{0};

constexpr NSUInteger kCommandBuffers = 64;  // uncompleted ones of a queue
constexpr uint64_t kWorkingSet = uint64_t{12} << 30;

// Stores an error where the caller wants one, and returns nil.
id Fail(NSError** error, NSInteger code, const std::string& text) {
  if (error) *error = swm::MakeError(MTLLibraryErrorDomain, code, text);
  return nil;
}

std::vector<std::string> OptionsOf(MTLCompileOptions* options) {
  MTLCompileOptions* set = options ? options : [[MTLCompileOptions new] autorelease];
  const NSUInteger version = [set languageVersion];
  const char* const modes[] = {"safe", "relaxed", "fast"};
  return {"--math", modes[[set mathMode]], "--version",
          std::to_string((version >> 16) * 100 + (version & 0xffff) * 10)};
}

}  // namespace

namespace swm {

NSString* Text(const std::string& text) { return [NSString stringWithUTF8String:text.c_str()]; }

NSError* MakeError(NSString* domain, NSInteger code, const std::string& text) {
  NSDictionary* info = [NSDictionary dictionaryWithObject:Text(text) forKey:NSLocalizedDescriptionKey];
  return [NSError errorWithDomain:domain code:code userInfo:info];
}

void CountAllocated(int64_t bytes) { allocated += bytes; }

}  // namespace swm

@implementation MTLCompileOptions

@synthesize languageVersion = languageVersion_;
@synthesize mathMode = mathMode_;
@synthesize mathFloatingPointFunctions = mathFloatingPointFunctions_;

- (id)init {
  if ((self = [super init])) {
    languageVersion_ = MTLLanguageVersion3_1;
    mathMode_ = MTLMathModeFast;
  }
  return self;
}

- (id)copyWithZone:(NSZone*)zone {
  MTLCompileOptions* copy = [[MTLCompileOptions allocWithZone:zone] init];
  copy.languageVersion = languageVersion_;
  copy.mathMode = mathMode_;
  copy.mathFloatingPointFunctions = mathFloatingPointFunctions_;
  return copy;
}

// The older property sets both newer ones.
- (BOOL)fastMathEnabled {
  return mathMode_ == MTLMathModeFast;
}
- (void)setFastMathEnabled:(BOOL)enabled {
  mathMode_ = enabled ? MTLMathModeFast : MTLMathModeSafe;
  mathFloatingPointFunctions_ =
      enabled ? MTLMathFloatingPointFunctionsFast : MTLMathFloatingPointFunctionsPrecise;
}

@end

@interface SoftDevice : NSObject <MTLDevice>
@end

@implementation SoftDevice

- (NSString*)name {
  return @"SoftMetal";
}
- (uint64_t)registryID {
  return 0x100000001;
}
- (BOOL)hasUnifiedMemory {
  return YES;
}
- (uint64_t)recommendedMaxWorkingSetSize {
  return kWorkingSet;
}
- (NSUInteger)currentAllocatedSize {
  return static_cast<NSUInteger>(allocated.load());
}
- (NSUInteger)maxBufferLength {
  return swm::faults::MaxBuffer();
}
- (NSUInteger)maxThreadgroupMemoryLength {
  return swm::kMaxThreadgroupBytes;
}
- (MTLSize)maxThreadsPerThreadgroup {
  return MTLSizeMake(swm::kMaxGroupThreads, swm::kMaxGroupThreads, swm::kMaxGroupThreads);
}

- (BOOL)supportsFamily:(MTLGPUFamily)gpuFamily {
  const int newest = swm::faults::Family();
  if (gpuFamily >= MTLGPUFamilyApple1 && gpuFamily <= MTLGPUFamilyApple10) {
    return gpuFamily <= MTLGPUFamilyApple1 + newest - 1;
  }
  if (gpuFamily == MTLGPUFamilyMac2 || gpuFamily == MTLGPUFamilyMetal3) return newest >= 7;
  return gpuFamily >= MTLGPUFamilyCommon1 && gpuFamily <= MTLGPUFamilyCommon3;
}

- (id<MTLCommandQueue>)newCommandQueue {
  return [[SoftCommandQueue alloc] initWithLimit:kCommandBuffers];
}
- (id<MTLCommandQueue>)newCommandQueueWithMaxCommandBufferCount:(NSUInteger)maxCommandBufferCount {
  return [[SoftCommandQueue alloc] initWithLimit:maxCommandBufferCount];
}

- (void)checkLength:(NSUInteger)length options:(MTLResourceOptions)options {
  if (length == 0) swm::Misuse("a buffer of no bytes");
  if (length > [self maxBufferLength]) {
    swm::Misuse("a buffer of %lu bytes, the device allows %lu", static_cast<unsigned long>(length),
                static_cast<unsigned long>([self maxBufferLength]));
  }
  if ((options & 0xf0) != MTLResourceStorageModeShared) swm::Misuse("only shared buffers are offered here");
}

- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options {
  [self checkLength:length options:options];
  return swm::faults::OutOfMemory() ? nil : [[SoftBuffer alloc] initWithLength:length];
}

- (id<MTLBuffer>)newBufferWithBytes:(const void*)pointer
                             length:(NSUInteger)length
                            options:(MTLResourceOptions)options {
  id<MTLBuffer> buffer = [self newBufferWithLength:length options:options];
  if (buffer) std::memcpy([buffer contents], pointer, length);
  return buffer;
}

- (id<MTLBuffer>)newBufferWithBytesNoCopy:(void*)pointer
                                   length:(NSUInteger)length
                                  options:(MTLResourceOptions)options
                              deallocator:(void (^)(void* pointer, NSUInteger length))deallocator {
  [self checkLength:length options:options];
  if (deallocator) swm::Misuse("blocks are not offered here");
  if (reinterpret_cast<uintptr_t>(pointer) % swm::kPageBytes != 0 || length % swm::kPageBytes != 0) {
    swm::Misuse("newBufferWithBytesNoCopy: of memory that is not made of whole pages of 16384 bytes");
  }
  return swm::faults::OutOfMemory() ? nil : [[SoftBuffer alloc] initWithPointer:pointer length:length];
}

- (id<MTLLibrary>)open:(const std::string&)path error:(NSError**)error {
  std::string reason;
  auto library = swm::Library::Open(path, &reason);
  if (!library) return Fail(error, MTLLibraryErrorInternal, reason);
  return [[SoftLibrary alloc] initWithLibrary:library];
}

- (id<MTLLibrary>)newLibraryWithURL:(NSURL*)url error:(NSError**)error {
  return [self open:[[url path] UTF8String] error:error];
}

- (id<MTLLibrary>)newLibraryWithSource:(NSString*)source
                               options:(MTLCompileOptions*)options
                                 error:(NSError**)error {
  if (swm::faults::FailCompile()) {
    return Fail(error, MTLLibraryErrorCompileFailure, "program_source:1:1: error: SWM_FAIL_COMPILE is set");
  }
  std::string reason;
  const std::string path = swm::Compile([source UTF8String], OptionsOf(options), &reason);
  if (path.empty()) return Fail(error, MTLLibraryErrorCompileFailure, reason);
  return [self open:path error:error];
}

- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)computeFunction
                                                             error:(NSError**)error {
  if (!computeFunction) swm::Misuse("a pipeline of no function");
  const swm_function* function = [(SoftFunction*)computeFunction function];
  if (swm::faults::FailKernel(function->name)) {
    return Fail(error, MTLLibraryErrorInternal, "Compute function exceeds available temporary registers");
  }
  const uint32_t bytes = swm::ThreadgroupBytes(*function);
  if (bytes > swm::kMaxThreadgroupBytes) {
    return Fail(error, MTLLibraryErrorInternal,
                "Threadgroup memory size (" + std::to_string(bytes) +
                    ") exceeds the maximum threadgroup memory "
                    "allowed (" +
                    std::to_string(swm::kMaxThreadgroupBytes) + ")");
  }
  const uint32_t declared = *function->max_threads;
  const uint32_t allowed = swm::faults::MaxThreads();
  return [[SoftPipeline alloc] initWithFunction:(SoftFunction*)computeFunction
                                     maxThreads:declared != 0 ? std::min(declared, allowed) : allowed];
}

@end

namespace swm {

id<MTLDevice> SharedDevice() {
  static SoftDevice* device = [SoftDevice new];
  return device;
}

}  // namespace swm

extern "C" id<MTLDevice> MTLCreateSystemDefaultDevice(void) {
  return swm::faults::NoDevice() ? nil : [swm::SharedDevice() retain];
}

extern "C" NSArray<id<MTLDevice>>* MTLCopyAllDevices(void) {
  if (swm::faults::NoDevice()) return [NSArray new];
  return [[NSArray alloc] initWithObjects:swm::SharedDevice(), nil];
}
