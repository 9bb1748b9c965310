// How much work goes into one command buffer. The system ends those that hold the GPU for long while a screen
// is lit (error 0000000e), at no fixed time; so pieces aim at a twentieth of a second.
#ifndef NAUTILUS_METAL_HOST_PACE_H_
#define NAUTILUS_METAL_HOST_PACE_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace nautilus::metal {

class Pace {
 public:
  static constexpr double kSeconds = 0.05;
  // Weight of a first piece, in threads of light work: a fraction of a millisecond, of very heavy work a
  // tenth of a second.
  static constexpr double kFirst = 1 << 20;

  // Returns how many items of this weight each the next piece of `kernel` should have, at least 1.
  uint64_t Items(const std::string& kernel, uint64_t weight) {
    const std::lock_guard lock(mutex_);
    const auto known = weights_.find(kernel);
    const double wanted = known == weights_.end() ? kFirst : known->second;
    return std::max<uint64_t>(
        1, static_cast<uint64_t>(wanted / static_cast<double>(std::max<uint64_t>(1, weight))));
  }

  // Learns from a piece of this weight that held the GPU for `seconds`. Grows at most fourfold at once: the
  // clock of an idle GPU is low.
  void Learn(const std::string& kernel, uint64_t weight, double seconds) {
    if (!(seconds > 0)) return;
    const double all = static_cast<double>(weight);
    const double wanted = std::min(all * kSeconds / seconds, 4 * all);
    const std::lock_guard lock(mutex_);
    double& known = weights_.try_emplace(kernel, kFirst).first->second;
    // A short piece says little about a long one, unless it was slow.
    if (wanted < known || all >= known / 2) known = std::max(1.0, wanted);
  }

  // Half as much next time.
  void Halve(const std::string& kernel, uint64_t weight) {
    const std::lock_guard lock(mutex_);
    weights_[kernel] = std::max(1.0, static_cast<double>(weight) / 2);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, double> weights_;
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_PACE_H_
