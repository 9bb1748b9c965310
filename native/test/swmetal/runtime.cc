// Chooses how a dispatch runs, fills threadgroup memory with garbage, and offers kernels what they call.
#include "test/swmetal/runtime.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "test/swmetal/geometry.h"
#include "test/swmetal/group.h"
#include "test/swmetal/schedule.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace swm {
namespace {

// While it lives, denormal operands and results are zero on this thread, if SWM_FLUSH says so.
class Denormals {
 public:
  Denormals() : saved_(Mode()) {
    const char* flush = std::getenv("SWM_FLUSH");
    if (flush && std::strcmp(flush, "1") == 0) SetMode(saved_ | kFlush);
  }
  ~Denormals() { SetMode(saved_); }
  Denormals(const Denormals&) = delete;
  Denormals& operator=(const Denormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kFlush = 0x8040;  // results, operands
  static uint64_t Mode() { return _mm_getcsr(); }
  static void SetMode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kFlush = uint64_t{1} << 24;
  static uint64_t Mode() {
    uint64_t mode;
    asm volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
  }
  static void SetMode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  static constexpr uint64_t kFlush = 0;
  static uint64_t Mode() { return 0; }
  static void SetMode(uint64_t) {}
#endif

  uint64_t saved_;
};

// Threadgroup memory holds anything when a threadgroup starts: here NaN, or the largest unsigned integer.
void Spoil(const swm_function& function) {
  for (const swm_span* span = function.threadgroup; span->bytes != 0; ++span) {
    std::memset(span->address, 0xff, span->bytes);
  }
}

// Runs the threads of one threadgroup one after the other.
void RunLoop(const Dispatch& dispatch, uint64_t group, const swm_thread& shared,
             const std::vector<uint32_t>* order) {
  swm_thread thread = shared;
  const uint32_t count = EnterGroup(dispatch, group, &thread);
  for (uint32_t turn = 0; turn < count; ++turn) {
    EnterThread(order ? (*order)[turn] : turn, &thread);
    Call(*dispatch.function, thread);
  }
}

uint32_t WorkerCount(uint64_t threads) {
  constexpr uint64_t kWorthwhile = 8192;  // below, starting a thread costs more than it saves
  if (threads < kWorthwhile) return 1;
  const char* asked = std::getenv("SWM_THREADS");
  return asked ? std::max(1, std::atoi(asked))
               : std::min(2u, std::max(1u, std::thread::hardware_concurrency()));
}

void RunLoops(const Dispatch& dispatch, uint64_t groups, const swm_thread& shared, uint32_t workers) {
  std::atomic<uint64_t> next{0};
  const auto work = [&] {
    const Denormals denormals;
    for (uint64_t group; (group = next.fetch_add(1)) < groups;) RunLoop(dispatch, group, shared, nullptr);
  };
  std::vector<std::thread> helpers;
  for (uint32_t helper = 1; helper < workers; ++helper) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

void RunInOrder(const Dispatch& dispatch, uint64_t groups, const swm_thread& shared, Schedule* schedule,
                bool fibers) {
  // Kept between dispatches for its stacks; the caller holds the lock.
  static Group* threadgroup = new Group();
  const Denormals denormals;
  std::vector<uint32_t> group_order;
  std::vector<uint32_t> thread_order;
  schedule->Fill(&group_order, static_cast<uint32_t>(groups));
  for (const uint32_t group : group_order) {
    Spoil(*dispatch.function);
    if (fibers) {
      threadgroup->Run(dispatch, group, shared, schedule);
    } else {
      swm_thread thread = shared;
      schedule->Fill(&thread_order, EnterGroup(dispatch, group, &thread));
      RunLoop(dispatch, group, shared, &thread_order);
    }
  }
}

}  // namespace

void Run(const Dispatch& dispatch) {
  // Threadgroup variables are variables of the library: one dispatch at a time.
  static std::mutex one_at_a_time;
  const std::lock_guard<std::mutex> lock(one_at_a_time);
  Schedule schedule;
  const swm_thread shared = ThreadOf(dispatch);
  const Size count = GroupCount(dispatch);
  const uint64_t groups = uint64_t{count.x} * count.y * count.z;
  const uint64_t threads = groups * dispatch.group.x * dispatch.group.y * dispatch.group.z;
  const bool meets = dispatch.function->meets != 0;
  if (schedule.Forward() && !meets && dispatch.function->threadgroup->bytes == 0) {
    RunLoops(dispatch, groups, shared, WorkerCount(threads));
  } else {
    // A random schedule may also stop a thread before any atomic operation.
    RunInOrder(dispatch, groups, shared, &schedule, meets || schedule.Random());
  }
}

const swm_host& Host() {
  static const swm_host host = {
      [](unsigned scope, const void* site) { Group::Running()->Barrier(scope, site); },
      [](unsigned slot, unsigned word) { Group::Running()->Publish(slot, word); },
      [](const void* site) { return Group::Running()->Meet(site); },
      [](unsigned slot, unsigned lane) { return Group::Running()->Peek(slot, lane); },
      [](unsigned slot, unsigned* words) { Group::Running()->Gather(slot, words); },
      [] { return Group::Running()->Lane(); },
      [] { return Group::Running() && Group::Running()->AtomicPoint() ? 1u : 0u; },
  };
  return host;
}

}  // namespace swm
