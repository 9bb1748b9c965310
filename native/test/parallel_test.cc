// The threads that kernels share: every chunk once, whoever calls, however many threads there are, while that
// changes.
#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "test/check.h"

namespace nautilus::test {
namespace {

// Puts the number of threads back where it was.
class Threads {
 public:
  explicit Threads(int threads) : before_(KernelThreads()) { SetKernelThreads(threads); }
  ~Threads() { SetKernelThreads(before_); }

 private:
  int before_;
};

// How often each chunk of a call ran. Plain numbers: two threads in one chunk would be a data race.
std::vector<int> Runs(int64_t chunks) {
  std::vector<int> runs(chunks);
  ParallelFor(chunks, [&](int64_t chunk) { ++runs[chunk]; });
  return runs;
}

bool AllOnce(const std::vector<int>& runs) {
  return std::all_of(runs.begin(), runs.end(), [](int count) { return count == 1; });
}

// The sum of an alternating series by chunks of a fixed size, added up in their order.
double Sum(int64_t items) {
  constexpr int64_t kGrain = 64;
  std::vector<double> parts((items + kGrain - 1) / kGrain);
  ParallelRanges(items, kGrain, [&](int64_t first, int64_t last) {
    double part = 0;
    for (int64_t i = first; i < last; ++i) part += (i % 2 == 0 ? 1.0 : -1.0) / static_cast<double>(i + 1);
    parts[first / kGrain] = part;
  });
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

TEST("parallel: each chunk runs once, for any number of chunks and threads") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads set(threads);
    CHECK(KernelThreads() == threads);
    for (const int64_t chunks : {0, 1, 2, 3, 7, 64, 1000}) {
      CHECK(AllOnce(Runs(chunks)), "%d threads, %d chunks", threads, static_cast<int>(chunks));
    }
  }
}

TEST("parallel: what chunks wrote is there when the call returns, run after run") {
  const Threads set(4);
  std::vector<int64_t> values(256);
  for (int64_t round = 0; round < 500; ++round) {
    ParallelFor(256, [&](int64_t chunk) { values[chunk] = round * 256 + chunk; });
    bool whole = true;
    for (int64_t i = 0; i < 256; ++i) whole = whole && values[i] == round * 256 + i;
    CHECK(whole, "in round %d", static_cast<int>(round));
  }
}

TEST("parallel: ranges cover all items once, the last one shorter") {
  const Threads set(3);
  for (const int64_t items : {0, 1, 63, 64, 65, 1000}) {
    std::vector<int> seen(items);
    ParallelRanges(items, 64, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) ++seen[i];
    });
    CHECK(AllOnce(seen), "%d items", static_cast<int>(items));
  }
}

TEST("parallel: a call from within a chunk stays on its thread") {
  const Threads set(4);
  std::atomic<int> strayed{0};
  std::atomic<int> ran{0};
  ParallelFor(32, [&](int64_t) {
    const std::thread::id outer = std::this_thread::get_id();
    ParallelFor(16, [&](int64_t) {
      ran.fetch_add(1);
      if (std::this_thread::get_id() != outer) strayed.fetch_add(1);
    });
  });
  CHECK(ran.load() == 32 * 16);
  CHECK(strayed.load() == 0);
}

TEST("parallel: callers on several threads each get every chunk of their own") {
  const Threads set(3);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&wrong, caller] {
      for (int64_t round = 0; round < 200; ++round) {
        if (!AllOnce(Runs(1 + (round * 7 + caller) % 40))) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong.load() == 0);
}

TEST("parallel: the number of threads may change while calls run") {
  const Threads set(2);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::thread changer([&done] {
    for (int threads = 1; !done.load(); threads = threads % 6 + 1) {
      SetKernelThreads(threads);
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 2; ++caller) {
    callers.emplace_back([&wrong] {
      for (int round = 0; round < 300; ++round) {
        if (!AllOnce(Runs(48))) wrong.fetch_add(1);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  done.store(true);
  changer.join();
  CHECK(wrong.load() == 0);
}

TEST("parallel: a sum by chunks has the same bits for any number of threads") {
  const Threads alone(1);
  const double expected = Sum(10'007);
  for (const int threads : {2, 3, 5, 16}) {
    const Threads set(threads);
    for (int round = 0; round < 20; ++round) CHECK(Sum(10'007) == expected, "%d threads", threads);
  }
}

TEST("parallel: threads outside 1 to 1,024 are brought into the range") {
  const Threads set(2);
  CHECK(SetKernelThreads(0) == 1 && KernelThreads() == 1);
  CHECK(SetKernelThreads(5000) == 1024 && KernelThreads() == 1024);
}

}  // namespace
}  // namespace nautilus::test
