// Records the first calls for Xcode, when NAUTILUS_METAL_CAPTURE names a file.
#ifndef NAUTILUS_METAL_HOST_CAPTURE_H_
#define NAUTILUS_METAL_HOST_CAPTURE_H_

#import <Metal/Metal.h>

#include <mutex>
#include <string>

namespace nautilus::metal {

// Asks the environment once: NAUTILUS_METAL_CAPTURE, a path that ends in .gputrace and does not exist yet,
// and NAUTILUS_METAL_CAPTURE_CALLS, how many calls to record (default 1). Says on standard error what became
// of it.
class Capture {
 public:
  // Begins with the first call, where it is asked for and the system allows it.
  void Begin(id<MTLDevice> device);
  // Counts a call that ended; after the last one the file is written.
  void End();

 private:
  void Start(id<MTLDevice> device);

  std::mutex mutex_;
  bool asked_ = false;
  int left_ = 0;  // calls to record
  std::string path_;
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_CAPTURE_H_
