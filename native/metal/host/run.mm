// Runs one kernel: memory in, pieces of work one after the other, memory out.
#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/metal_health.h"
#import "metal/host/device_state.h"
#include "metal/host/executor.h"
#include "metal/host/forked.h"
#import "metal/host/product.h"

namespace nautilus::metal {
namespace {

using Kind = Binding::Kind;

constexpr int kRetries = 6;
// What the text of an error says when the system ended a command buffer that held the GPU for too long.
constexpr const char* kHeldTooLong = "0000000e";

enum class Outcome { kDone, kTooLong, kFailed };

// Keeps the reason for whoever asks after the health of the device.
Status DeviceFailed(const std::string& error) {
  HealthOfMetal().Note(error);
  return Status::kDeviceFailed;
}

// Memory of the device for one binding: a buffer of its own, or a place in that of a slab.
struct Slot {
  Binding binding;
  Owned<id<MTLBuffer>> buffer;
  id<MTLBuffer> slab = nil;
  size_t offset = 0;

  bool IsBytes() const { return binding.kind == Kind::kBytes; }
  bool IsCopied(Kind kind) const { return binding.kind == kind && slab == nil; }
  id<MTLBuffer> Memory() const { return slab != nil ? slab : buffer.get(); }
  bool IsZeroed() const { return binding.kind == Kind::kScratch || binding.kind == Kind::kResult; }
  bool IsCopiedBack() const {
    if (slab != nil) return false;
    return binding.kind == Kind::kOutput || binding.kind == Kind::kInout || binding.kind == Kind::kResult;
  }
};

MTLSize GroupOf(id<MTLComputePipelineState> pipeline, const Launch& launch) {
  if (launch.group_width > 0) return MTLSizeMake(launch.group_width, launch.group_height, 1);
  // A group may not be larger than its pipeline allows: it would not run, and nothing would say so.
  const NSUInteger most = std::min<NSUInteger>([pipeline maxTotalThreadsPerThreadgroup], 256);
  const NSUInteger lanes = std::min<NSUInteger>([pipeline threadExecutionWidth], most);
  const NSUInteger width = launch.height > 1 ? lanes : most / lanes * lanes;
  const NSUInteger height = launch.height > 1 ? most / width : 1;
  return MTLSizeMake(width, height, 1);
}

// Waits for a command buffer, which it commits: on this thread, or by giving it away until the buffer is
// complete.
struct Completion {
  id<MTLCommandBuffer> commands;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(Task::Handle waiting) const { return Commit(commands, waiting); }
  void await_resume() const noexcept {}

 private:
  // Not inlined: some compilers would keep its variables in the task, which may end before commit returns.
  [[gnu::noinline]] static bool Commit(id<MTLCommandBuffer> commands, Task::Handle waiting) {
    @autoreleasepool {
      if (!waiting.promise().outermost) {
        [commands commit];
        [commands waitUntilCompleted];
        return false;
      }
      const Owned<id<MTLCommandBuffer>> kept([commands retain]);
      void* const address = waiting.address();
      [kept.get() addCompletedHandler:^(id<MTLCommandBuffer>) {
        Executor::Get().Post(Task::Handle::from_address(address));
      }];
      [kept.get() commit];
      return true;
    }
  }
};

}  // namespace

// One run of a work, from the start to its last piece.
class Run {
 public:
  Run(DeviceState& device, id<MTLComputePipelineState> pipeline, const Work& work)
      : device_(device), pipeline_(pipeline), work_(work) {}

  // Returns kNoBackend when it needs a buffer that no device of this kind has.
  Status TakeMemory() {
    for (const Binding& binding : work_.bindings) {
      Slot slot{.binding = binding, .buffer = {}};
      // What is read and written is copied all the same: a piece that failed would spoil it.
      const bool shares = binding.kind == Kind::kInput || binding.kind == Kind::kOutput;
      if (shares && binding.bytes > 0)
        std::tie(slot.slab, slot.offset) = device_.FindInSlab(binding.memory, binding.bytes);
      if (!slot.IsBytes() && slot.slab == nil) {
        // Metal refuses buffers of no length.
        const size_t length = std::max<size_t>(binding.bytes, 16);
        if (length > [device_.device.get() maxBufferLength]) return Status::kNoBackend;
        slot.buffer =
            Owned<id<MTLBuffer>>([device_.device.get() newBufferWithLength:length
                                                                   options:MTLResourceStorageModeShared]);
        if (!slot.buffer)
          return DeviceFailed("no memory for a buffer of " + std::to_string(length) + " bytes");
      }
      slots_.push_back(std::move(slot));
    }
    CopyIn(Kind::kInput);
    return Status::kOk;
  }

  // One coroutine for all pieces: what it waits for is each piece's command buffer.
  Task Pieces() {
    for (int attempt = 0; attempt < kRetries; ++attempt) {
      Zero();
      CopyIn(Kind::kInout);
      Outcome outcome = Outcome::kDone;
      for (uint64_t first = 0; first < work_.items && outcome == Outcome::kDone;) {
        if (IsCancelled(work_.cancel)) co_return Status::kCancelled;
        const uint64_t wanted = device_.pace.Items(work_.kernel, work_.weight);
        const uint64_t count = std::min(wanted, work_.items - first);
        const Launch launch = work_.product == nullptr ? work_.piece(first, count) : Launch{};
        if (IsTooWide(launch)) co_return Status::kNoBackend;
        const auto commands = Encode(first, count, launch);
        if (!commands) co_return DeviceFailed("no command buffer");
        co_await Completion{commands.get()};
        outcome = Judge(commands.get(), count * work_.weight);
        first += count;
      }
      if (outcome == Outcome::kDone) co_return Status::kOk;
      if (outcome == Outcome::kFailed) break;
      // What a piece that was ended left in the memory is unknown: all pieces are done again, smaller ones.
      Count([](MetalCounts& counts) { ++counts.retries; });
    }
    co_return DeviceFailed(error_);
  }

  void CopyBack() {
    for (const Slot& slot : slots_) {
      if (!slot.IsCopiedBack()) continue;
      std::memcpy(slot.binding.memory, [slot.buffer.get() contents], slot.binding.bytes);
      copied_ += slot.binding.bytes;
    }
    Count([this](MetalCounts& counts) { counts.copied_bytes += copied_; });
  }

 private:
  template <class Change>
  void Count(const Change& change) {
    const std::lock_guard lock(device_.mutex);
    change(device_.counts);
  }

  void CopyIn(Kind kind) {
    for (const Slot& slot : slots_) {
      if (!slot.IsCopied(kind)) continue;
      std::memcpy([slot.buffer.get() contents], slot.binding.memory, slot.binding.bytes);
      copied_ += slot.binding.bytes;
    }
  }

  void Zero() {
    for (const Slot& slot : slots_) {
      if (slot.IsZeroed()) std::memset([slot.buffer.get() contents], 0, slot.binding.bytes);
    }
  }

  // Whether the kernel needs a threadgroup that its pipeline, by the registers it takes, does not allow: the
  // device would leave it out and not say so.
  bool IsTooWide(const Launch& launch) const {
    const uint64_t threads = launch.group_width * launch.group_height;
    if (pipeline_ == nil || threads <= [pipeline_ maxTotalThreadsPerThreadgroup]) return false;
    HealthOfMetal().Note(std::string(work_.kernel) + " needs " + std::to_string(threads) +
                         " threads in a threadgroup, more than its pipeline allows");
    return true;
  }

  // Returns a command buffer with one piece in it; null when there is none. One pool for each piece: command
  // buffers and encoders are autoreleased.
  Owned<id<MTLCommandBuffer>> Encode(uint64_t first, uint64_t count, const Launch& launch) {
    @autoreleasepool {
      id<MTLCommandBuffer> commands = [device_.queue.get() commandBuffer];
      if (commands == nil) return {};
      [commands setLabel:StringOf(work_.kernel)];
      if (work_.product != nullptr) {
        EncodeRows(commands, first * kProductRows, count * kProductRows);
      } else {
        EncodeKernel(commands, launch);
      }
      return Owned<id<MTLCommandBuffer>>([commands retain]);
    }
  }

  void EncodeRows(id<MTLCommandBuffer> commands, uint64_t first, uint64_t rows) {
    const Product& product = *work_.product;
    EncodeProduct({.device = device_.device.get(),
                   .commands = commands,
                   .a = {slots_[0].Memory(), slots_[0].offset},
                   .b = {slots_[1].Memory(), slots_[1].offset},
                   .out = {slots_[2].Memory(), slots_[2].offset}},
                  product, first, std::min<uint64_t>(rows, product.m - first));
  }

  void EncodeKernel(id<MTLCommandBuffer> commands, const Launch& launch) {
    id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
    [encoder setComputePipelineState:pipeline_];
    for (size_t i = 0; i < slots_.size(); ++i) {
      const Slot& slot = slots_[i];
      if (slot.IsBytes()) {
        [encoder setBytes:slot.binding.memory length:slot.binding.bytes atIndex:i];
      } else {
        [encoder setBuffer:slot.Memory() offset:slot.offset atIndex:i];
      }
    }
    const MTLSize group = GroupOf(pipeline_, launch);
    group_threads_ = group.width * group.height;
    // Whole groups: a barrier must be reached by all of a group. Kernels check their bounds.
    const auto up = [](uint64_t threads, NSUInteger of) { return (threads + of - 1) / of; };
    [encoder
         dispatchThreadgroups:MTLSizeMake(up(launch.width, group.width), up(launch.height, group.height), 1)
        threadsPerThreadgroup:group];
    [encoder endEncoding];
  }

  // A command buffer that failed throws nothing; only its status tells.
  Outcome Judge(id<MTLCommandBuffer> commands, uint64_t threads) {
    @autoreleasepool {
      const double seconds = std::max(0.0, [commands GPUEndTime] - [commands GPUStartTime]);
      const bool done = [commands status] == MTLCommandBufferStatusCompleted;
      device_.Count(work_.kernel, seconds, group_threads_, done);
      if (done) {
        device_.pace.Learn(work_.kernel, threads, seconds);
        return Outcome::kDone;
      }
      NSString* text = [[commands error] localizedDescription];
      error_ = text == nil ? "unknown error" : [text UTF8String];
      if (error_.find(kHeldTooLong) == std::string::npos) return Outcome::kFailed;
      device_.pace.Halve(work_.kernel, threads);
      return Outcome::kTooLong;
    }
  }

  DeviceState& device_;
  id<MTLComputePipelineState> pipeline_;
  const Work& work_;
  std::vector<Slot> slots_;
  uint64_t copied_ = 0;
  uint64_t group_threads_ = 0;
  std::string error_;
};

Task Device::Later(const Work& work) {
  const bool can = work.product != nullptr ? HasProducts() : Has(work.kernel);
  if (!can || WhyMetalIsOut() == kForked) co_return Status::kNoBackend;
  const auto pipeline = state_->pipelines.find(work.kernel);
  std::optional<metal::Run> run;
  Status status = Status::kOk;
  @autoreleasepool {
    state_->capture.Begin(state_->device.get());
    run.emplace(*state_, pipeline == state_->pipelines.end() ? nil : pipeline->second.get(), work);
    status = run->TakeMemory();
  }
  if (status == Status::kOk) status = co_await run->Pieces();
  @autoreleasepool {
    if (status == Status::kOk) run->CopyBack();
    run.reset();
    state_->capture.End();
  }
  co_return status;
}

}  // namespace nautilus::metal
