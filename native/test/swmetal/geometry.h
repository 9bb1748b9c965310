// Where a thread is: positions of threads in their threadgroup and of threadgroups in their grid.
#ifndef NAUTILUS_TEST_SWMETAL_GEOMETRY_H_
#define NAUTILUS_TEST_SWMETAL_GEOMETRY_H_

#include <algorithm>
#include <cstdint>

#include "test/swmetal/runtime.h"

namespace swm {

inline void Store(unsigned int* to, Size from) {
  to[0] = from.x;
  to[1] = from.y;
  to[2] = from.z;
}

inline Size GroupCount(const Dispatch& dispatch) {
  const auto count = [](uint32_t threads, uint32_t group) {
    return threads / group + (threads % group != 0);
  };
  return {count(dispatch.threads.x, dispatch.group.x), count(dispatch.threads.y, dispatch.group.y),
          count(dispatch.threads.z, dispatch.group.z)};
}

// What all threads of a dispatch share.
inline swm_thread ThreadOf(const Dispatch& dispatch) {
  swm_thread thread = {};
  thread.buffers = dispatch.buffers;
  Store(thread.grid_size, dispatch.threads);
  Store(thread.group_count, GroupCount(dispatch));
  Store(thread.asked_group_size, dispatch.group);
  thread.simd_width[0] = SWM_LANES;
  return thread;
}

// Adds what the threads of one threadgroup share, and returns their number.
inline uint32_t EnterGroup(const Dispatch& dispatch, uint64_t group, swm_thread* thread) {
  const unsigned int* count = thread->group_count;
  const Size at{static_cast<uint32_t>(group % count[0]), static_cast<uint32_t>(group / count[0] % count[1]),
                static_cast<uint32_t>(group / (uint64_t{count[0]} * count[1]))};
  Store(thread->group_position, at);
  const Size size{std::min(dispatch.group.x, dispatch.threads.x - at.x * dispatch.group.x),
                  std::min(dispatch.group.y, dispatch.threads.y - at.y * dispatch.group.y),
                  std::min(dispatch.group.z, dispatch.threads.z - at.z * dispatch.group.z)};
  Store(thread->group_size, size);
  const uint32_t threads = size.x * size.y * size.z;
  thread->simd_count[0] = (threads + SWM_LANES - 1) / SWM_LANES;
  return threads;
}

// Adds what is of one thread alone.
inline void EnterThread(uint32_t index, swm_thread* thread) {
  const unsigned int* size = thread->group_size;
  const Size at{index % size[0], index / size[0] % size[1], index / (size[0] * size[1])};
  Store(thread->position_in_group, at);
  Store(thread->position_in_grid, {thread->group_position[0] * thread->asked_group_size[0] + at.x,
                                   thread->group_position[1] * thread->asked_group_size[1] + at.y,
                                   thread->group_position[2] * thread->asked_group_size[2] + at.z});
  thread->index_in_group[0] = index;
  thread->lane[0] = index % SWM_LANES;
  thread->simd_index[0] = index / SWM_LANES;
}

}  // namespace swm

#endif  // NAUTILUS_TEST_SWMETAL_GEOMETRY_H_
