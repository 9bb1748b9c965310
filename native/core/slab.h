// Long-lived blocks of page-aligned memory straight from the system: what the pool hands out in pieces, and
// what Metal can wrap without a copy.
#ifndef NAUTILUS_CORE_SLAB_H_
#define NAUTILUS_CORE_SLAB_H_

#include <cstddef>

namespace nautilus {

// Alignment of slabs: the page of Apple silicon, a multiple of that of every other machine.
inline constexpr size_t kSlabAlignment = 16384;

// Returns `bytes` (a multiple of kSlabAlignment) of zeroed memory, or null when there is none.
void* MapSlab(size_t bytes);

void UnmapSlab(void* memory, size_t bytes);

struct Slab {
  void* memory = nullptr;  // null: none
  size_t bytes = 0;
};

// Returns the slab that holds all of `bytes` from `memory` on.
Slab FindSlab(const void* memory, size_t bytes);

// Sets what is told of each slab before its memory goes back. One listener, for good.
void OnUnmapSlab(void (*forget)(void* memory));

}  // namespace nautilus

#endif  // NAUTILUS_CORE_SLAB_H_
