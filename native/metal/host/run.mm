// Runs one kernel: memory in, pieces of work one after the other, memory out.
#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

#include "core/metal_health.h"
#import "metal/host/device_state.h"

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

  Status Pieces() {
    for (int attempt = 0; attempt < kRetries; ++attempt) {
      Zero();
      CopyIn(Kind::kInout);
      const Outcome outcome = FromTheStart();
      if (cancelled_) return Status::kCancelled;
      if (outcome == Outcome::kDone) return Status::kOk;
      if (outcome == Outcome::kFailed) return DeviceFailed(error_);
      // What a piece that was ended left in the memory is unknown: all pieces are done again, smaller ones.
      Count([](MetalCounts& counts) { ++counts.retries; });
    }
    return DeviceFailed(error_);
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

  Outcome FromTheStart() {
    for (uint64_t first = 0; first < work_.items;) {
      if (IsCancelled(work_.cancel)) {
        cancelled_ = true;
        return Outcome::kDone;
      }
      const uint64_t wanted = device_.pace.Items(work_.kernel, work_.weight);
      const uint64_t count = std::min(wanted, work_.items - first);
      const Outcome outcome = Piece(first, count);
      if (outcome != Outcome::kDone) return outcome;
      first += count;
    }
    return Outcome::kDone;
  }

  Outcome Piece(uint64_t first, uint64_t count) {
    // One pool for each piece: command buffers and encoders are autoreleased.
    @autoreleasepool {
      const Launch launch = work_.piece(first, count);
      id<MTLCommandBuffer> commands = [device_.queue.get() commandBuffer];
      if (commands == nil) {
        error_ = "no command buffer";
        return Outcome::kFailed;
      }
      Encode(commands, launch);
      [commands commit];
      [commands waitUntilCompleted];
      return Judge(commands, count * work_.weight);
    }
  }

  void Encode(id<MTLCommandBuffer> commands, const Launch& launch) {
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
    // Whole groups: a barrier must be reached by all of a group. Kernels check their bounds.
    const auto up = [](uint64_t threads, NSUInteger of) { return (threads + of - 1) / of; };
    [encoder
         dispatchThreadgroups:MTLSizeMake(up(launch.width, group.width), up(launch.height, group.height), 1)
        threadsPerThreadgroup:group];
    [encoder endEncoding];
  }

  // A command buffer that failed throws nothing; only its status tells.
  Outcome Judge(id<MTLCommandBuffer> commands, uint64_t threads) {
    const double seconds = [commands GPUEndTime] - [commands GPUStartTime];
    const bool done = [commands status] == MTLCommandBufferStatusCompleted;
    Count([&](MetalCounts& counts) {
      ++counts.commands;
      counts.gpu_seconds += std::max(0.0, seconds);
      if (!done) ++counts.failures;
    });
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

  DeviceState& device_;
  id<MTLComputePipelineState> pipeline_;
  const Work& work_;
  std::vector<Slot> slots_;
  uint64_t copied_ = 0;
  bool cancelled_ = false;
  std::string error_;
};

Status Device::Run(const Work& work) {
  if (!Has(work.kernel)) return Status::kNoBackend;
  @autoreleasepool {
    metal::Run run(*state_, state_->pipelines.find(work.kernel)->second.get(), work);
    const Status memory = run.TakeMemory();
    if (memory != Status::kOk) return memory;
    const Status status = run.Pieces();
    if (status == Status::kOk) run.CopyBack();
    return status;
  }
}

}  // namespace nautilus::metal
