// Captures for Xcode: a document whose list of command buffers a test can read.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#import "test/swmetal/faults.h"
#import "test/swmetal/soft.h"

NSString* const MTLCaptureErrorDomain = @"MTLCaptureErrorDomain";

namespace {

std::mutex mutex;                 // of what follows
std::vector<std::string> labels;  // of the command buffers since the start
std::string path;                 // empty while nothing is captured

bool Fail(NSError** error, NSInteger code, const char* text) {
  if (error) *error = swm::MakeError(MTLCaptureErrorDomain, code, text);
  return false;
}

}  // namespace

namespace swm {

void NoteCommands(NSString* label) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (!path.empty()) labels.emplace_back(label ? [label UTF8String] : "");
}

}  // namespace swm

@implementation MTLCaptureDescriptor

@synthesize captureObject = captureObject_;
@synthesize destination = destination_;
@synthesize outputURL = outputURL_;

- (id)init {
  if ((self = [super init])) destination_ = MTLCaptureDestinationDeveloperTools;
  return self;
}

- (void)dealloc {
  [captureObject_ release];
  [outputURL_ release];
  [super dealloc];
}

@end

@implementation MTLCaptureManager

+ (MTLCaptureManager*)sharedCaptureManager {
  static MTLCaptureManager* manager = [MTLCaptureManager new];
  return manager;
}

- (BOOL)isCapturing {
  const std::lock_guard<std::mutex> lock(mutex);
  return !path.empty();
}

// Outside Xcode a process may capture when its environment says so.
- (BOOL)supportsDestination:(MTLCaptureDestination)destination {
  const char* enabled = std::getenv("METAL_CAPTURE_ENABLED");
  return destination == MTLCaptureDestinationGPUTraceDocument && enabled && std::strcmp(enabled, "1") == 0;
}

- (BOOL)startCaptureWithDescriptor:(MTLCaptureDescriptor*)descriptor error:(NSError**)error {
  if (![self supportsDestination:descriptor.destination]) {
    return Fail(error, MTLCaptureErrorNotSupported, "Capturing is not supported.");
  }
  const std::lock_guard<std::mutex> lock(mutex);
  if (!path.empty()) return Fail(error, MTLCaptureErrorAlreadyCapturing, "A capture is already in progress.");
  NSString* file = [descriptor.outputURL path];
  if (!descriptor.captureObject || ![[file pathExtension] isEqual:@"gputrace"] ||
      [[NSFileManager defaultManager] fileExistsAtPath:file]) {
    return Fail(error, MTLCaptureErrorInvalidDescriptor, "The descriptor is invalid.");
  }
  path = [file UTF8String];
  labels.clear();
  return YES;
}

- (void)stopCapture {
  const std::lock_guard<std::mutex> lock(mutex);
  if (path.empty()) swm::Misuse("stopCapture while nothing is captured");
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (!file) swm::Misuse("no capture at %s", path.c_str());
  for (const std::string& label : labels) std::fprintf(file, "%s\n", label.c_str());
  std::fclose(file);
  path.clear();
}

@end
