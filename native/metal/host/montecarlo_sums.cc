// Estimates from the sums of groups.
#include "metal/host/montecarlo_sums.h"

#include <algorithm>
#include <cmath>

namespace nautilus::metal {
namespace {

// A quarter of a million threads fill any GPU of today. More groups than this share the work in more turns
// each, lest their sums grow with the number of samples.
constexpr int64_t kMostGroups = int64_t{1} << 13;
// As many sums as may be kept otherwise: 256 MiB of them.
constexpr int64_t kMostSums = (int64_t{1} << 28) / static_cast<int64_t>(sizeof(GroupSums));
// A thread's longest work, in light ones: a group cannot be cut, and about a tenth of a second is all that it
// should take.
constexpr uint64_t kLongest = uint64_t{1} << 19;

// As in montecarlo_basket.metal.
constexpr int64_t kNarrow = 2048;
constexpr int64_t kWide = 8192;

}  // namespace

bool IsFloat(double unit) { return unit > 0x1p-100 && unit < 0x1p100; }

GroupColumn::GroupColumn(int64_t rows) {
  constexpr int64_t kMostThreads = 128;
  // Half the threads that a narrow column could have are better than few groups at a time.
  is_wide_ = rows * 2 * SampleGroups::kLanes > kNarrow;
  const int64_t room = is_wide_ ? kWide : kNarrow;
  for (int64_t threads = SampleGroups::kLanes; threads <= kMostThreads && rows * threads <= room;
       threads *= 2) {
    threads_ = static_cast<uint64_t>(threads);
  }
}

double UnitOf(double value) { return value > 0 ? std::ldexp(1.0, std::ilogb(value)) : 1; }

SampleGroups::SampleGroups(int64_t samples, int64_t samples_a_thread, size_t figures)
    : SampleGroups(samples, samples_a_thread, figures, kMostGroups) {}

SampleGroups::SampleGroups(int64_t samples, size_t figures)
    : SampleGroups(samples, 1, figures, kMostSums / static_cast<int64_t>(figures)) {}

SampleGroups::SampleGroups(int64_t samples, int64_t samples_a_thread, size_t figures, int64_t most_groups)
    : samples_(samples),
      a_turn_(samples_a_thread * kLanes),
      turns_((samples + a_turn_ * most_groups - 1) / (a_turn_ * most_groups)),
      figures_(figures),
      sums_(static_cast<size_t>(Groups()) * figures) {}

int64_t SampleGroups::Groups() const { return (samples_ + a_turn_ * turns_ - 1) / (a_turn_ * turns_); }

Status SampleGroups::Run(const char* kernel, std::span<const Binding> bindings, uint64_t weight,
                         uint64_t group_threads, const std::function<void(uint32_t, uint32_t)>& range,
                         CancelFlag cancel) const {
  const uint64_t a_thread = weight * static_cast<uint64_t>(turns_);
  if (a_thread > kLongest) return Status::kNoBackend;
  return Device::Get().Run({.kernel = kernel,
                            .bindings = bindings,
                            .items = static_cast<uint64_t>(Groups()),
                            .weight = a_thread * kLanes,
                            .piece =
                                [&](uint64_t first, uint64_t count) {
                                  range(static_cast<uint32_t>(first), static_cast<uint32_t>(first + count));
                                  return Launch{.width = count * kLanes, .group_width = group_threads};
                                },
                            .cancel = cancel});
}

Status SampleGroups::Merge(std::span<const double> by, cpu::Estimate& all) const {
  const int64_t each = a_turn_ * turns_;
  for (int64_t group = 0; group < Groups(); ++group) {
    cpu::Estimate estimate(figures_);
    estimate.count = std::min(each, samples_ - group * each);
    const auto count = static_cast<double>(estimate.count);
    for (size_t i = 0; i < figures_; ++i) {
      const GroupSums& of = sums_[static_cast<size_t>(group) * figures_ + i];
      const double sum = static_cast<double>(of.sum.high) + static_cast<double>(of.sum.low);
      const double squares = static_cast<double>(of.squares.high) + static_cast<double>(of.squares.low);
      if (!std::isfinite(sum) || !std::isfinite(squares)) return Status::kNoBackend;
      estimate.mean[i] = (static_cast<double>(of.center) + sum / count) * by[i];
      estimate.squares[i] = std::max(0.0, squares - sum * sum / count) * by[i] * by[i];
    }
    all.Merge(estimate);
  }
  return Status::kOk;
}

}  // namespace nautilus::metal
