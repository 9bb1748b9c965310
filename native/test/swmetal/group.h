// One threadgroup at a time on fibers: threads run until they wait for each other.
#ifndef NAUTILUS_TEST_SWMETAL_GROUP_H_
#define NAUTILUS_TEST_SWMETAL_GROUP_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "test/swmetal/fiber.h"
#include "test/swmetal/runtime.h"
#include "test/swmetal/schedule.h"

namespace swm {

class Group {
 public:
  // Runs threadgroup number `group` of a dispatch; `shared` is what ThreadOf gave for it.
  void Run(const Dispatch& dispatch, uint64_t group, const swm_thread& shared, Schedule* schedule);

  // What the running thread asks for. Null outside of Run, as in kernels that run in a plain loop.
  static Group* Running();
  void Barrier(uint32_t scope, const void* site);
  void Publish(uint32_t slot, uint32_t word);
  uint32_t Meet(const void* site);
  uint32_t Peek(uint32_t slot, uint32_t lane) const;
  void Gather(uint32_t slot, uint32_t* words) const;
  uint32_t Lane() const;
  bool AtomicPoint();

 private:
  enum class State : uint8_t { kReady, kAtBarrier, kAtSimdgroup, kEnded };
  struct Thread {
    Fiber fiber;
    swm_thread self;
    const swm_function* function;
    State* state;
    // Two of each, in turns: a lane may publish again while another still reads what was published before.
    uint32_t words[2][SWM_SLOTS];
    uint32_t turn;
  };

  static void ThreadMain(void* thread);
  void Wait(State state, const void* site);
  void RunReady();
  // Lets simdgroups go on whose threads have all arrived at one place. Returns whether there was one.
  bool ReleaseSimdgroups();
  bool ReleaseBarrier();
  [[noreturn]] void Fail(const char* what) const;

  std::vector<std::unique_ptr<Thread>> threads_;
  // Of each thread, beside each other since every barrier looks at all of them.
  State states_[kMaxGroupThreads];
  const void* sites_[kMaxGroupThreads];
  std::vector<uint32_t> order_;
  std::vector<uint32_t> simdgroup_order_;
  uint32_t count_ = 0;
  uint32_t ended_ = 0;
  uint32_t met_[kMaxGroupThreads / SWM_LANES] =
      {};  // lanes that took part in the last meeting of a simdgroup
  Thread* current_ = nullptr;
  Schedule* schedule_ = nullptr;
  const char* kernel_ = "";
};

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_GROUP_H_
