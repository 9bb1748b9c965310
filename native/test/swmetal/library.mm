// Libraries, functions and pipelines.
#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

@implementation SoftLibrary

- (id)initWithLibrary:(std::shared_ptr<swm::Library>)library {
  if ((self = [super init])) library_ = std::move(library);
  return self;
}

- (NSArray<NSString*>*)functionNames {
  NSMutableArray* names = [NSMutableArray array];
  for (const swm_function* function = library_->functions(); function->name; ++function) {
    [names addObject:swm::Text(function->name)];
  }
  return names;
}

- (id<MTLFunction>)newFunctionWithName:(NSString*)functionName {
  const std::string name = [functionName UTF8String];
  const swm_function* function = library_->Find(name);
  if (!function) return nil;
  const std::shared_ptr<swm::Library>& patch = swm::Library::Patch();
  const swm_function* broken = patch ? patch->Find(name) : nullptr;
  return [[SoftFunction alloc] initWithLibrary:broken ? patch : library_ function:broken ? broken : function];
}

@end

@implementation SoftFunction

- (id)initWithLibrary:(std::shared_ptr<swm::Library>)library function:(const swm_function*)function {
  if ((self = [super init])) {
    library_ = std::move(library);
    function_ = function;
  }
  return self;
}

- (NSString*)name {
  return swm::Text(function_->name);
}

- (const swm_function*)function {
  return function_;
}

@end

@implementation SoftPipeline

- (id)initWithFunction:(SoftFunction*)function maxThreads:(NSUInteger)maxThreads {
  if ((self = [super init])) {
    function_ = [function retain];
    maxThreads_ = maxThreads;
  }
  return self;
}

- (void)dealloc {
  [function_ release];
  [super dealloc];
}

- (NSUInteger)maxTotalThreadsPerThreadgroup {
  return maxThreads_;
}
- (NSUInteger)threadExecutionWidth {
  return SWM_LANES;
}
- (NSUInteger)staticThreadgroupMemoryLength {
  return swm::ThreadgroupBytes(*[function_ function]);
}
- (const swm_function*)function {
  return [function_ function];
}

@end
