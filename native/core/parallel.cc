// The threads that kernels share: libdispatch on Apple, a small pool of our own elsewhere.
#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#if defined(__APPLE__)
#include <dispatch/dispatch.h>

#include "core/placement.h"
#endif

namespace nautilus {
namespace {

int Cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

std::atomic<int>& Limit() {
  static std::atomic<int> limit{Cores()};
  return limit;
}

// Whether this thread runs a chunk already: work inside work stays where it is.
thread_local bool inside = false;

void RunAlone(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  for (int64_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
}

#if !defined(__APPLE__)

// Workers live as long as the process: whoever unloads the addon must not find them running in its code, and
// joining them at exit could wait for a kernel.
class Pool {
 public:
  void Run(int64_t chunks, int threads, void (*body)(void*, int64_t), void* context) {
    {
      std::lock_guard lock(mutex_);
      chunks_ = chunks;
      body_ = body;
      context_ = context;
      next_.store(0, std::memory_order_relaxed);
      wanted_ = static_cast<int>(std::min<int64_t>(threads - 1, chunks - 1));
      while (started_ < wanted_) {
        std::thread([this] { Work(); }).detach();
        ++started_;
      }
    }
    wake_.notify_all();
    Take();
    std::unique_lock lock(mutex_);
    wanted_ = 0;  // who has not begun by now has nothing left to do
    done_.wait(lock, [this] { return working_ == 0; });
  }

 private:
  void Take() {
    inside = true;
    for (int64_t chunk; (chunk = next_.fetch_add(1, std::memory_order_relaxed)) < chunks_;) {
      body_(context_, chunk);
    }
    inside = false;
  }

  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return wanted_ > 0; });
      --wanted_;
      ++working_;
      lock.unlock();
      Take();
      lock.lock();
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  int started_ = 0;
  int wanted_ = 0;   // workers that may still join this run
  int working_ = 0;  // workers inside this run
  int64_t chunks_ = 0;
  void (*body_)(void*, int64_t) = nullptr;
  void* context_ = nullptr;
  std::atomic<int64_t> next_{0};
};

#endif

}  // namespace

int SetKernelThreads(int threads) {
  const int set = std::clamp(threads, 1, 1024);
  Limit().store(set, std::memory_order_relaxed);
  return set;
}

int KernelThreads() { return Limit().load(std::memory_order_relaxed); }

void ParallelForRaw(int64_t chunks, void (*body)(void*, int64_t), void* context) {
  const int threads = KernelThreads();
  if (chunks <= 1 || threads == 1 || inside) return RunAlone(chunks, body, context);
  static std::mutex busy;
  const std::unique_lock only(busy, std::try_to_lock);
  if (!only.owns_lock()) return RunAlone(chunks, body, context);
#if defined(__APPLE__)
  // One block for each thread rather than for each chunk, so that the limit holds.
  struct Share {
    std::atomic<int64_t> next{0};
    int64_t chunks;
    void (*body)(void*, int64_t);
    void* context;
  } share{.chunks = chunks, .body = body, .context = context};
  const auto blocks = static_cast<size_t>(std::min<int64_t>(threads, chunks));
  const qos_class_t urgency =
      UrgencyOfKernels() == Urgency::kLatency ? QOS_CLASS_USER_INTERACTIVE : QOS_CLASS_USER_INITIATED;
  dispatch_apply_f(blocks, dispatch_get_global_queue(urgency, 0), &share, [](void* raw, size_t) {
    auto& work = *static_cast<Share*>(raw);
    inside = true;
    for (int64_t chunk; (chunk = work.next.fetch_add(1, std::memory_order_relaxed)) < work.chunks;) {
      work.body(work.context, chunk);
    }
    inside = false;
  });
#else
  static Pool& pool = *new Pool;
  pool.Run(chunks, threads, body, context);
#endif
}

}  // namespace nautilus
