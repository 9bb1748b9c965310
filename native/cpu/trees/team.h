// The threads of one fit.
#ifndef NAUTILUS_CPU_TREES_TEAM_H_
#define NAUTILUS_CPU_TREES_TEAM_H_

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "core/parallel.h"

namespace nautilus::trees {

class Team {
 public:
  explicit Team(int threads) : threads_(std::max(1, threads)) {}

  int threads() const { return threads_; }

  // Calls body(task, member) once for each task; a member does one at a time. `work` is about how many
  // nanoseconds all take: waking threads for little of it would take longer.
  template <class Body>
  void Run(int64_t tasks, int64_t work, Body&& body) const {
    if (threads_ == 1 || tasks <= 1 || work < kWorthIt) {
      for (int64_t task = 0; task < tasks; ++task) body(task, int64_t{0});
      return;
    }
    std::atomic<int64_t> next{0};
    ParallelFor(std::min<int64_t>(threads_, tasks), [&](int64_t member) {
      for (int64_t task; (task = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) body(task, member);
    });
  }

  // Calls body(first, last) for pieces of the items.
  template <class Body>
  void RunPieces(int64_t items, int64_t nanoseconds_each, Body&& body) const {
    Run((items + kPiece - 1) / kPiece, items * nanoseconds_each,
        [&](int64_t piece, int64_t) { body(piece * kPiece, std::min(items, (piece + 1) * kPiece)); });
  }

  static constexpr int64_t kPiece = 16 * 1024;

 private:
  static constexpr int64_t kWorthIt = 60'000;

  int threads_;
};

}  // namespace nautilus::trees

#endif  // NAUTILUS_CPU_TREES_TEAM_H_
