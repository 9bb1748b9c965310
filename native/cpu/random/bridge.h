// The Brownian bridge over even steps: which point comes from which normal.
#ifndef NAUTILUS_CPU_RANDOM_BRIDGE_H_
#define NAUTILUS_CPU_RANDOM_BRIDGE_H_

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace nautilus::cpu {

// The i-th normal sets the point `at`, between `left` and `right` that are known by then: left_weight W[left]
// + right_weight W[right] + deviation z. Points are numbered 1 to steps, W[0] = 0. Glasserman 2003, 3.1.
struct BridgePoint {
  int64_t at;
  int64_t left;
  int64_t right;  // 0 for the last point, which comes first
  double left_weight;
  double right_weight;
  double deviation;
};

class Bridge {
 public:
  Bridge() = default;

  // Halves the widest gaps first, breadth first, so that the first normals decide most.
  explicit Bridge(int64_t steps) {
    points_.push_back({steps, 0, 0, 1, 0, std::sqrt(static_cast<double>(steps))});
    std::vector<std::pair<int64_t, int64_t>> gaps = {{0, steps}};
    for (size_t next = 0; next < gaps.size(); ++next) {
      const auto [left, right] = gaps[next];
      if (right - left < 2) continue;
      const int64_t at = left + (right - left) / 2;
      const auto before = static_cast<double>(at - left);
      const auto after = static_cast<double>(right - at);
      const double width = before + after;
      points_.push_back({at, left, right, after / width, before / width, std::sqrt(before * after / width)});
      gaps.emplace_back(left, at);
      gaps.emplace_back(at, right);
    }
  }

  const std::vector<BridgePoint>& points() const { return points_; }

 private:
  std::vector<BridgePoint> points_;
};

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_RANDOM_BRIDGE_H_
