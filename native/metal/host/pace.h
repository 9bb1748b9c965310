// How much work goes into one command buffer. The system ends those that hold the GPU for long while a screen is lit (error
// 0000000e), at no fixed time; so pieces aim at a twentieth of a second.
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
  // Threads of a first piece: a fraction of a millisecond of light work, a tenth of a second of very heavy work.
  static constexpr double kFirstThreads = 1 << 20;

  // Returns how many items of `threads` threads each the next piece of `kernel` should have, at least 1.
  uint64_t Items(const std::string& kernel, uint64_t threads) {
    const std::lock_guard lock(mutex_);
    const auto known = threads_.find(kernel);
    const double wanted = known == threads_.end() ? kFirstThreads : known->second;
    return std::max<uint64_t>(1, static_cast<uint64_t>(wanted / static_cast<double>(std::max<uint64_t>(1, threads))));
  }

  // Learns from a piece of `threads` threads that held the GPU for `seconds`. Grows at most fourfold at once: the clock of an
  // idle GPU is low.
  void Learn(const std::string& kernel, uint64_t threads, double seconds) {
    if (!(seconds > 0)) return;
    const double all = static_cast<double>(threads);
    const double wanted = std::min(all * kSeconds / seconds, 4 * all);
    const std::lock_guard lock(mutex_);
    double& known = threads_.try_emplace(kernel, kFirstThreads).first->second;
    // A short piece says little about a long one, unless it was slow.
    if (wanted < known || all >= known / 2) known = std::max(1.0, wanted);
  }

  // Half as much next time.
  void Halve(const std::string& kernel, uint64_t threads) {
    const std::lock_guard lock(mutex_);
    threads_[kernel] = std::max(1.0, static_cast<double>(threads) / 2);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, double> threads_;
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_PACE_H_
