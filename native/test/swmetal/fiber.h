// A stack that can be left and entered again: what one GPU thread of a threadgroup with barriers runs on.
#ifndef NAUTILUS_TEST_SWMETAL_FIBER_H_
#define NAUTILUS_TEST_SWMETAL_FIBER_H_

#include <cstddef>

namespace swm {

class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // The next Resume calls entry(argument). What the fiber did before must have returned.
  void Start(void (*entry)(void*), void* argument);
  // Runs the fiber until it suspends or ends. The caller is no fiber.
  void Resume();
  // Called on the fiber: goes back to Resume.
  void Suspend();
  bool Ended() const { return ended_; }

 private:
  struct Context;  // of the machine: a stack pointer, or what ucontext keeps

  static void Main();
  void SwitchIn();
  void SwitchOut();

  char* stack_ = nullptr;  // with a guard at its low end
  size_t bytes_ = 0;       // that are used above the guard
  Context* context_ = nullptr;
  void (*entry_)(void*) = nullptr;
  void* argument_ = nullptr;
  bool ended_ = true;
  // What the address sanitizer keeps for the stack that is left.
  void* fiber_shadow_ = nullptr;
  void* caller_shadow_ = nullptr;
  const void* caller_stack_ = nullptr;
  size_t caller_bytes_ = 0;
};

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_FIBER_H_
