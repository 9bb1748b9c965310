// One thread that goes on with calls whose command buffers are complete. It never waits for the device.
#ifndef NAUTILUS_METAL_HOST_EXECUTOR_H_
#define NAUTILUS_METAL_HOST_EXECUTOR_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>

#include "core/metal_later.h"
#include "core/task.h"

namespace nautilus::metal {

class Executor {
 public:
  // Calls that are under way at once: the others wait for their turn, before they take memory of the device.
  // A queue of Metal has 64 uncompleted command buffers, and blocks who asks for more.
  static constexpr size_t kMostCalls = 32;

  // Starts the thread on the first call; always the same.
  static Executor& Get();

  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Runs a task from its start, here, without blocking the thread while the device works.
  void Start(Task task, Done done);

  // Goes on with a task that waited, here. Any thread, also that of a completion handler.
  void Post(Task::Handle waiting);

 private:
  struct Call {
    Task task;
    Done done;
  };

  Executor() = default;
  void Loop();
  // Does one thing that is ready, with `lock` given back meanwhile; returns false when nothing is.
  bool Step(std::unique_lock<std::mutex>& lock);
  void Begin(std::unique_lock<std::mutex>& lock);
  // Tells how the outermost task ended, if it did.
  void EndIfDone(Task::Handle outermost);

  std::mutex mutex_;  // of what follows, less `active_`
  std::condition_variable wake_;
  std::deque<Task::Handle> ready_;
  std::deque<Call> waiting_;      // not yet begun
  std::map<void*, Call> active_;  // by the outermost task; of the thread alone
};

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_EXECUTOR_H_
