// The GPU as plain C++: one device, one queue, and all kernels compiled when it is opened.
#ifndef NAUTILUS_METAL_HOST_DEVICE_H_
#define NAUTILUS_METAL_HOST_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/kernel_call.h"
#include "core/metal_counts.h"
#include "core/status.h"
#include "core/task.h"

namespace nautilus::metal {

// What a kernel reads or writes at one place of its argument table, in order of the places.
struct Binding {
  enum class Kind {
    kBytes,    // a few numbers, at most 4,096 bytes, copied when they are encoded
    kInput,    // read only
    kOutput,   // written only; copied back when all pieces are done
    kInout,    // read and written; copied back then too
    kScratch,  // zeroed memory of the device
    kResult,   // the same, copied back: a flag, partial sums
  };
  Kind kind;
  void* memory;  // null for scratch
  size_t bytes;

  static Binding Bytes(const void* memory, size_t bytes) {
    return {Kind::kBytes, const_cast<void*>(memory), bytes};
  }
  static Binding Input(const void* memory, size_t bytes) {
    return {Kind::kInput, const_cast<void*>(memory), bytes};
  }
  static Binding Output(void* memory, size_t bytes) { return {Kind::kOutput, memory, bytes}; }
  static Binding Inout(void* memory, size_t bytes) { return {Kind::kInout, memory, bytes}; }
  static Binding Scratch(size_t bytes) { return {Kind::kScratch, nullptr, bytes}; }
  static Binding Result(void* memory, size_t bytes) { return {Kind::kResult, memory, bytes}; }
};

// The threads of one piece of work, and of each group of them; a group of width 0 may have any size.
struct Launch {
  uint64_t width = 1;
  uint64_t height = 1;
  uint64_t group_width = 0;
  uint64_t group_height = 1;
};

// out [m, n] = alpha op(a) op(b) + beta out, row-major, by Metal Performance Shaders; a, b and out are the
// three bindings.
struct Product {
  uint32_t m, n, k;
  bool trans_a, trans_b;
  double alpha, beta;
};

// Work of one kernel over items [0, items) that is cut into pieces, each in a command buffer of its own: a
// long one would be ended by the system. Pieces run in order and see what those before them wrote.
struct Work {
  const char* kernel;
  std::span<const Binding> bindings;
  uint64_t items;
  uint64_t weight;  // of an item, in threads of light work: by it the size of a piece is guessed
  // Writes items [first, first + count) into the numbers that are bound as bytes; returns the threads.
  std::function<Launch(uint64_t first, uint64_t count)> piece;
  CancelFlag cancel = nullptr;
  // Instead of a kernel: items are blocks of kProductRows rows of the result.
  const Product* product = nullptr;
};
inline constexpr uint64_t kProductRows = 256;
// What such work is called.
inline constexpr const char* kProducts = "mps_matrix_multiplication";

// The objects of the system behind it.
struct DeviceState;

class Device {
 public:
  // Opens the device on the first call; always the same.
  static Device& Get();

  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  // Why there is none; empty when there is one.
  const std::string& reason() const { return reason_; }
  const std::string& name() const { return name_; }
  // Kernels of the source that did not compile here, with the reason.
  const std::vector<std::string>& broken() const { return broken_; }
  bool Has(const char* kernel) const;
  // Whether products may go to Metal Performance Shaders.
  bool HasProducts() const { return has_products_; }

  // Runs the work; kCancelled when it was, kNoBackend when it is too large for the device or its kernel did
  // not compile, kDeviceFailed when the device failed. Nothing is copied back then, and outputs in slabs hold
  // nothing of use. `work` lives until it is done.
  Task Later(const Work& work);

  // The same on this thread, which waits.
  Status Run(const Work& work) { return Later(work).Wait(); }

  MetalCounts counts() const;
  std::vector<MetalPipeline> pipelines() const;

 private:
  Device();
  void Open();

  std::string reason_;
  std::string name_;
  std::vector<std::string> broken_;
  bool has_products_ = false;
  std::unique_ptr<DeviceState> state_;
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_DEVICE_H_
