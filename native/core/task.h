// Work that may wait for a device without holding a thread: a coroutine that returns a Status.
#ifndef NAUTILUS_CORE_TASK_H_
#define NAUTILUS_CORE_TASK_H_

#include <coroutine>
#include <exception>
#include <utility>

#include "core/status.h"

namespace nautilus {

// Begins when it is waited for, by Wait() on this thread or by `co_await` in another task, or when it is
// started. What it refers to lives as long as it does. A wait inside it asks its promise whether it may give
// the thread away.
class [[nodiscard]] Task {
 public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  struct promise_type {
    Status status = Status::kInvariant;
    std::exception_ptr error;
    std::coroutine_handle<> next;  // what goes on when this is done; null for the outermost
    // The outermost task, where the thread may be given away; null where waiting blocks it.
    std::coroutine_handle<promise_type> outermost;

    struct Final {
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(Handle done) noexcept {
        const std::coroutine_handle<> next = done.promise().next;
        return next ? next : std::noop_coroutine();
      }
      void await_resume() noexcept {}
    };

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    Final final_suspend() noexcept { return {}; }
    void return_value(Status value) { status = value; }
    void unhandled_exception() { error = std::current_exception(); }

    Status Take() const {
      if (error) std::rethrow_exception(error);
      return status;
    }
  };

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // Runs all of it on this thread, which waits.
  Status Wait() && {
    handle_.resume();
    return handle_.promise().Take();
  }

  // Lets it give its thread away while it waits, and runs it until it first does, or is done.
  Handle Start() {
    handle_.promise().outermost = handle_;
    handle_.resume();
    return handle_;
  }

  // Returns how it ended, once it is done; throws what it threw.
  Status Take() const { return handle_.promise().Take(); }

  struct Awaiter {
    Handle handle;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle parent) noexcept {
      handle.promise().outermost = parent.promise().outermost;
      handle.promise().next = parent;
      return handle;
    }
    Status await_resume() { return handle.promise().Take(); }
  };
  // The task that is waited for lives until the end of the expression.
  Awaiter operator co_await() && noexcept { return {handle_}; }
  Awaiter operator co_await() & noexcept { return {handle_}; }

 private:
  explicit Task(Handle handle) : handle_(handle) {}

  Handle handle_;
};

}  // namespace nautilus

#endif  // NAUTILUS_CORE_TASK_H_
