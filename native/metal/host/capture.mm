// Captures by MTLCaptureManager; see docs/hardware.md.
#import "metal/host/capture.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#import "metal/host/owned.h"

namespace nautilus::metal {
namespace {

void Say(const std::string& text) { std::fprintf(stderr, "NAUTILUS_METAL_CAPTURE: %s\n", text.c_str()); }

}  // namespace

void Capture::Begin(id<MTLDevice> device) {
  const std::lock_guard lock(mutex_);
  if (asked_) return;
  asked_ = true;
  const char* const path = std::getenv("NAUTILUS_METAL_CAPTURE");
  if (path == nullptr || *path == '\0') return;
  path_ = path;
  const char* const calls = std::getenv("NAUTILUS_METAL_CAPTURE_CALLS");
  left_ = calls == nullptr ? 1 : std::max(1, std::atoi(calls));
  Start(device);
}

void Capture::Start(id<MTLDevice> device) {
  MTLCaptureManager* const manager = [MTLCaptureManager sharedCaptureManager];
  if (![manager supportsDestination:MTLCaptureDestinationGPUTraceDocument]) {
    left_ = 0;
    return Say("this process may not capture: set METAL_CAPTURE_ENABLED=1 before it starts");
  }
  Owned<MTLCaptureDescriptor*> descriptor([MTLCaptureDescriptor new]);
  [descriptor.get() setCaptureObject:device];
  [descriptor.get() setDestination:MTLCaptureDestinationGPUTraceDocument];
  [descriptor.get() setOutputURL:[NSURL fileURLWithPath:[NSString stringWithUTF8String:path_.c_str()]]];
  NSError* error = nil;
  if ([manager startCaptureWithDescriptor:descriptor.get() error:&error]) return;
  left_ = 0;
  Say("the capture did not begin: " +
      std::string(error == nil ? "unknown error" : [[error localizedDescription] UTF8String]));
}

void Capture::End() {
  const std::lock_guard lock(mutex_);
  if (left_ == 0 || --left_ > 0) return;
  [[MTLCaptureManager sharedCaptureManager] stopCapture];
  Say("wrote " + path_);
}

}  // namespace nautilus::metal
