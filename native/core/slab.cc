// Slabs from vm_allocate on Apple and mmap elsewhere.
#include "core/slab.h"

#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

#if defined(__APPLE__)
#include <mach/mach.h>
#else
#include <sys/mman.h>
#endif

namespace nautilus {
namespace {

// All slabs, by their first address.
struct Slabs {
  std::mutex mutex;
  std::map<uintptr_t, size_t> bytes;
  void (*forget)(void* memory) = nullptr;
};

Slabs& All() {
  // Never destroyed: arrays may be collected after the static objects are gone.
  static auto* const all = new Slabs();
  return *all;
}

#if defined(__APPLE__)

void* Map(size_t bytes) {
  vm_address_t address = 0;
  const kern_return_t result = vm_allocate(mach_task_self(), &address, bytes, VM_FLAGS_ANYWHERE);
  return result == KERN_SUCCESS ? reinterpret_cast<void*>(address) : nullptr;
}

void Unmap(void* memory, size_t bytes) {
  vm_deallocate(mach_task_self(), reinterpret_cast<vm_address_t>(memory), bytes);
}

#else

void* Map(size_t bytes) {
  // Pages of 4 KiB: one alignment more, and what sticks out on both sides goes back.
  const size_t mapped = bytes + kSlabAlignment;
  void* const raw = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<uintptr_t>(raw);
  const uintptr_t aligned = (begin + kSlabAlignment - 1) / kSlabAlignment * kSlabAlignment;
  if (aligned > begin) munmap(raw, aligned - begin);
  const uintptr_t end = aligned + bytes;
  if (begin + mapped > end) munmap(reinterpret_cast<void*>(end), begin + mapped - end);
  auto* const slab = reinterpret_cast<void*>(aligned);
  // Big pages, where the system has some to give.
  madvise(slab, bytes, MADV_HUGEPAGE);
  return slab;
}

void Unmap(void* memory, size_t bytes) { munmap(memory, bytes); }

#endif

}  // namespace

void* MapSlab(size_t bytes) {
  void* const memory = Map(bytes);
  if (memory == nullptr) return nullptr;
  const std::lock_guard lock(All().mutex);
  All().bytes[reinterpret_cast<uintptr_t>(memory)] = bytes;
  return memory;
}

void UnmapSlab(void* memory, size_t bytes) {
  void (*forget)(void*) = nullptr;
  {
    const std::lock_guard lock(All().mutex);
    All().bytes.erase(reinterpret_cast<uintptr_t>(memory));
    forget = All().forget;
  }
  if (forget != nullptr) forget(memory);
  Unmap(memory, bytes);
}

Slab FindSlab(const void* memory, size_t bytes) {
  const auto begin = reinterpret_cast<uintptr_t>(memory);
  const std::lock_guard lock(All().mutex);
  auto after = All().bytes.upper_bound(begin);
  if (after == All().bytes.begin()) return {};
  const auto [first, length] = *std::prev(after);
  if (begin - first > length || bytes > length - (begin - first)) return {};
  return {reinterpret_cast<void*>(first), length};
}

void OnUnmapSlab(void (*forget)(void* memory)) {
  const std::lock_guard lock(All().mutex);
  All().forget = forget;
}

}  // namespace nautilus
