// The device as the self test uses it: one library, buffers from vectors, one dispatch at a time.
#ifndef NAUTILUS_TEST_SWMETAL_SELFTEST_GPU_H_
#define NAUTILUS_TEST_SWMETAL_SELFTEST_GPU_H_

#import <Metal/Metal.h>

#include <cstdint>
#include <string>
#include <vector>

namespace swm::test {

// Text of a file of the self test.
std::string KernelText(const std::string& file);
// Text with the first `from` replaced by `to`; reports a failed check when there is none.
std::string Changed(std::string text, const std::string& from, const std::string& to);

class Gpu {
 public:
  // Compiles a file of the self test, or the text that it is given.
  explicit Gpu(const std::string& file) : Gpu(file, KernelText(file)) {}
  Gpu(const std::string& name, const std::string& source, MTLMathMode mode = MTLMathModeSafe);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  id<MTLDevice> device() const { return device_; }
  id<MTLCommandQueue> queue() const { return queue_; }
  id<MTLLibrary> library() const { return library_; }
  // Null with the reason in `error`.
  id<MTLComputePipelineState> Pipeline(const std::string& kernel, std::string* error = nullptr);

  // A buffer that lives as long as this object.
  template <typename T>
  id<MTLBuffer> Buffer(const std::vector<T>& values) {
    return Own([device_ newBufferWithBytes:values.data()
                                    length:values.size() * sizeof(T)
                                   options:MTLResourceStorageModeShared]);
  }
  template <typename T>
  static const T* Read(id<MTLBuffer> buffer) {
    return static_cast<const T*>([buffer contents]);
  }

  // An open command buffer with one dispatch in it; `bytes` are bound after the buffers unless they are none.
  id<MTLCommandBuffer> Encode(const std::string& kernel, const std::vector<id<MTLBuffer>>& buffers,
                              const std::vector<uint8_t>& bytes, uint32_t threads, uint32_t group);
  // Encodes, commits, waits. Reports a failed check unless the command buffer completed.
  void Run(const std::string& kernel, const std::vector<id<MTLBuffer>>& buffers, uint32_t threads,
           uint32_t group);
  template <typename T>
  void Run(const std::string& kernel, const std::vector<id<MTLBuffer>>& buffers, const T& arguments,
           uint32_t threads, uint32_t group) {
    const auto* first = reinterpret_cast<const uint8_t*>(&arguments);
    Finish(Encode(kernel, buffers, {first, first + sizeof(T)}, threads, group));
  }
  static void Finish(id<MTLCommandBuffer> commands);

 private:
  id<MTLBuffer> Own(id<MTLBuffer> buffer);

  id<MTLDevice> device_ = nil;
  id<MTLCommandQueue> queue_ = nil;
  id<MTLLibrary> library_ = nil;
  std::vector<id> owned_;
  id pool_ = nil;
};

}  // namespace swm::test

#endif  // NAUTILUS_TEST_SWMETAL_SELFTEST_GPU_H_
