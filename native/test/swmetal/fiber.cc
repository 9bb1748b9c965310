// Switching between stacks: in assembly on x86-64 and arm64, by ucontext elsewhere.
#include "test/swmetal/fiber.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#define SWM_UCONTEXT 1
#endif

// Present in a process that runs under the address sanitizer, whether or not this file is instrumented.
extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** save, const void* bottom, size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* saved, const void** bottom, size_t* bytes);
}

namespace swm {
namespace {

// Pages that no thread touches cost nothing. Instrumented kernels have frames several times as large.
constexpr size_t kStackBytes = size_t{256} << 10;
constexpr size_t kGuardBytes = size_t{16} << 10;

// Stacks begin at different places of their pages: a threadgroup's worth of frames at one offset would
// contend for the same few lines of the cache.
constexpr size_t kColours = 61;
constexpr size_t kColourBytes = 256 + 64;
std::atomic<size_t> stacks_made{0};

thread_local Fiber* running = nullptr;

}  // namespace

#if defined(SWM_UCONTEXT)

struct Fiber::Context {
  ucontext_t fiber;
  ucontext_t caller;
};

#else

// swm_switch(save, to) stores the stack pointer, with all registers that a call preserves on the stack, and
// continues where the stack `to` was left. Modes of the floating-point unit stay as they are.
extern "C" void swm_switch(void** save, void* to);

#if defined(__x86_64__)
constexpr int kSavedWords = 6;  // below the return address
constexpr int kReturnWord = 6;
asm(R"(
.text
.globl swm_switch
.hidden swm_switch
.type swm_switch,@function
swm_switch:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
.size swm_switch, .-swm_switch
)");
#else
constexpr int kSavedWords = 20;
constexpr int kReturnWord = 11;  // where x30 is
asm(R"(
.text
.globl swm_switch
.hidden swm_switch
.type swm_switch,%function
swm_switch:
  sub sp, sp, #160
  stp x19, x20, [sp, #0]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x9, sp
  str x9, [x0]
  mov sp, x1
  ldp x19, x20, [sp, #0]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size swm_switch, .-swm_switch
)");
#endif

struct Fiber::Context {
  void* fiber;
  void* caller;
};

#endif

Fiber::~Fiber() {
  if (stack_) munmap(stack_, kGuardBytes + kStackBytes);
  delete context_;
}

void Fiber::Start(void (*entry)(void*), void* argument) {
  if (!stack_) {
    void* mapped =
        mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED || mprotect(mapped, kGuardBytes, PROT_NONE) != 0) {
      std::perror("SoftMetal: stack of a GPU thread");
      std::abort();
    }
    stack_ = static_cast<char*>(mapped);
    bytes_ = kStackBytes - stacks_made++ % kColours * kColourBytes;
    context_ = new Context();
  }
  entry_ = entry;
  argument_ = argument;
  ended_ = false;
  fiber_shadow_ = nullptr;
#if defined(SWM_UCONTEXT)
  getcontext(&context_->fiber);
  context_->fiber.uc_stack.ss_sp = stack_ + kGuardBytes;
  context_->fiber.uc_stack.ss_size = bytes_;
  context_->fiber.uc_link = nullptr;
  makecontext(&context_->fiber, &Fiber::Main, 0);
#else
  // A frame as swm_switch leaves it, which returns into Main with the stack aligned as after a call.
  auto** top = reinterpret_cast<void**>(stack_ + kGuardBytes + bytes_) - 2 - kSavedWords;
  for (int word = 0; word < kSavedWords + 2; ++word) top[word] = nullptr;
  top[kReturnWord] = reinterpret_cast<void*>(&Fiber::Main);
  context_->fiber = top;
#endif
}

void Fiber::SwitchIn() {
#if defined(SWM_UCONTEXT)
  swapcontext(&context_->caller, &context_->fiber);
#else
  swm_switch(&context_->caller, context_->fiber);
#endif
}

void Fiber::SwitchOut() {
#if defined(SWM_UCONTEXT)
  swapcontext(&context_->fiber, &context_->caller);
#else
  swm_switch(&context_->fiber, context_->caller);
#endif
}

void Fiber::Resume() {
  running = this;
  if (__sanitizer_start_switch_fiber) {
    __sanitizer_start_switch_fiber(&caller_shadow_, stack_ + kGuardBytes, bytes_);
  }
  SwitchIn();
  if (__sanitizer_finish_switch_fiber) __sanitizer_finish_switch_fiber(caller_shadow_, nullptr, nullptr);
  running = nullptr;
}

void Fiber::Suspend() {
  if (__sanitizer_start_switch_fiber) {
    // Without a place to save it, the sanitizer drops what it keeps for a stack that ends.
    __sanitizer_start_switch_fiber(ended_ ? nullptr : &fiber_shadow_, caller_stack_, caller_bytes_);
  }
  SwitchOut();
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(fiber_shadow_, &caller_stack_, &caller_bytes_);
  }
}

void Fiber::Main() {
  Fiber* self = running;
  if (__sanitizer_finish_switch_fiber) {
    __sanitizer_finish_switch_fiber(nullptr, &self->caller_stack_, &self->caller_bytes_);
  }
  self->entry_(self->argument_);
  self->ended_ = true;
  self->Suspend();
  std::abort();
}

}  // namespace swm
