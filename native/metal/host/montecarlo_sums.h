// Simulations in groups of samples that leave sums of figures: how many groups there are, and the estimate
// that their sums make, in the order of the groups.
#ifndef NAUTILUS_METAL_HOST_MONTECARLO_SUMS_H_
#define NAUTILUS_METAL_HOST_MONTECARLO_SUMS_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/estimate.h"
#include "metal/host/device.h"

namespace nautilus::metal {

// A double as the sum of two floats.
struct TwoFloats {
  float high;
  float low;

  static TwoFloats Of(double value) {
    const auto high = static_cast<float>(value);
    return {high, static_cast<float>(value - static_cast<double>(high))};
  }
};

// Returns the power of two at or below `value`; 1 when it is 0.
double UnitOf(double value);
// Whether a unit and what is counted in it are well within the floats.
bool IsFloat(double unit);

// How the columns of numbers of a threadgroup's threads lie in its memory: see montecarlo_basket.metal.
class GroupColumn {
 public:
  explicit GroupColumn(int64_t rows);

  bool fits() const { return threads_ > 0; }
  uint64_t threads() const { return threads_; }
  const char* Pick(const char* narrow, const char* wide) const { return is_wide_ ? wide : narrow; }

 private:
  uint64_t threads_ = 0;
  bool is_wide_ = false;
};

// As Sums in montecarlo_math.metal: differences from `center`.
struct GroupSums {
  float center;
  TwoFloats sum;
  TwoFloats squares;
};

// A group is one simdgroup; a thread of it takes `samples_a_thread` neighbouring samples in each of its
// turns.
class SampleGroups {
 public:
  static constexpr int64_t kLanes = 32;

  // For a kernel that has turns, so that the sums do not grow with the number of samples; and for one that
  // has none.
  SampleGroups(int64_t samples, int64_t samples_a_thread, size_t figures);
  SampleGroups(int64_t samples, size_t figures);

  uint32_t turns() const { return static_cast<uint32_t>(turns_); }
  // Whether a kernel that has no turns can do it.
  bool OneTurn() const { return turns_ == 1; }

  Binding Sums() { return Binding::Output(sums_.data(), sums_.size() * sizeof(GroupSums)); }

  // Runs the kernel over all groups: `range` takes those of a piece, [first, end). A thread has the work of
  // `weight` light ones in each turn.
  Status Run(const char* kernel, std::span<const Binding> bindings, uint64_t weight, uint64_t group_threads,
             const std::function<void(uint32_t first, uint32_t end)>& range, CancelFlag cancel) const;

  // Estimates the figures in the units of by[figure]; kNoBackend when they overflowed.
  Status Merge(std::span<const double> by, cpu::Estimate& all) const;

 private:
  SampleGroups(int64_t samples, int64_t samples_a_thread, size_t figures, int64_t most_groups);
  int64_t Groups() const;

  int64_t samples_;
  int64_t a_turn_;
  int64_t turns_;
  size_t figures_;
  std::vector<GroupSums> sums_;  // [group][figure]
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_MONTECARLO_SUMS_H_
