// What compiled kernels and the software device know of each other; read as C, as C++ and as MSL.
#ifndef NAUTILUS_TEST_SWMETAL_ABI_H_
#define NAUTILUS_TEST_SWMETAL_ABI_H_

// One GPU thread as a kernel sees it. Three numbers are x, y, z.
struct swm_thread {
  const unsigned long* buffers;  // address of what is bound at each index
  unsigned int position_in_grid[3], grid_size[3];
  unsigned int group_position[3], group_count[3];
  unsigned int position_in_group[3];
  unsigned int group_size[3];  // of this threadgroup: smaller than asked for at the edge of the grid
  unsigned int asked_group_size[3];
  unsigned int index_in_group[1], lane[1], simd_width[1], simd_index[1], simd_count[1];
};

#define SWM_BUFFERS 31       // buffer indices of a kernel
#define SWM_LANES 32         // threads of a simdgroup
#define SWM_SLOTS 4          // words that a thread can publish at once
#define SWM_GROUP_BARRIER 0  // scopes of barrier()
#define SWM_SIMD_BARRIER 1

#if !defined(__OPENCL_CPP_VERSION__)

// What the device does for kernels. A `site` is the place that calls: threads that meet must come from one.
struct swm_host {
  void (*barrier)(unsigned int scope, const void* site);
  void (*simd_publish)(unsigned int slot, unsigned int word);
  unsigned int (*simd_meet)(const void* site);  // returns the mask of lanes that take part
  unsigned int (*simd_peek)(unsigned int slot, unsigned int lane);
  void (*simd_gather)(unsigned int slot, unsigned int* words);  // of all lanes
  unsigned int (*simd_lane)(void);
  unsigned int (*atomic_point)(void);  // called before an atomic operation; not 0 lets a weak exchange fail
};

// A threadgroup variable; lists end with bytes = 0.
struct swm_span {
  char* address;
  unsigned long bytes;
};

// A buffer argument; lists end with bytes = 0.
struct swm_argument {
  unsigned int index;
  unsigned int bytes, alignment;  // of what the argument points to
};

// Lists end with name = 0.
struct swm_function {
  const char* name;
  void (*run)(const struct swm_thread*);
  const struct swm_argument* arguments;
  const struct swm_span* threadgroup;
  const unsigned int* max_threads;  // [[max_total_threads_per_threadgroup]], 0 without one
  unsigned int meets;               // not 0 if threads wait for each other: barriers, simdgroup operations
};

#endif
#endif  // NAUTILUS_TEST_SWMETAL_ABI_H_
