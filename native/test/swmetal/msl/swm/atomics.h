// Atomic functions of MSL, all relaxed. clang has atomic_uint, atomic_int and atomic_float for OpenCL.
#ifndef SWM_ATOMICS_H_
#define SWM_ATOMICS_H_

// Order relaxed (0), scope device (2).
#define SWM_ATOMIC_EXCHANGE(space, A, T)                                                                 \
  inline T atomic_load_explicit(const volatile space A* from, memory_order) {                            \
    swm_atomic_point();                                                                                  \
    return __opencl_atomic_load(from, 0, 2);                                                             \
  }                                                                                                      \
  inline void atomic_store_explicit(volatile space A* to, T value, memory_order) {                       \
    swm_atomic_point();                                                                                  \
    __opencl_atomic_store(to, value, 0, 2);                                                              \
  }                                                                                                      \
  inline T atomic_exchange_explicit(volatile space A* at, T value, memory_order) {                       \
    swm_atomic_point();                                                                                  \
    return __opencl_atomic_exchange(at, value, 0, 2);                                                    \
  }                                                                                                      \
  inline bool atomic_compare_exchange_weak_explicit(volatile space A* at, thread T* expected, T desired, \
                                                    memory_order, memory_order) {                        \
    if (swm_atomic_point() != 0u) { /* a weak exchange may fail for no reason */                         \
      *expected = __opencl_atomic_load(at, 0, 2);                                                        \
      return false;                                                                                      \
    }                                                                                                    \
    return __opencl_atomic_compare_exchange_strong(at, expected, desired, 0, 0, 2);                      \
  }

#define SWM_ATOMIC_FETCH(space, A, T, name)                                              \
  inline T atomic_fetch_##name##_explicit(volatile space A* at, T value, memory_order) { \
    swm_atomic_point();                                                                  \
    return __opencl_atomic_fetch_##name(at, value, 0, 2);                                \
  }

#define SWM_ATOMIC_INTEGER(space, A, T) \
  SWM_ATOMIC_EXCHANGE(space, A, T)      \
  SWM_ATOMIC_FETCH(space, A, T, add)    \
  SWM_ATOMIC_FETCH(space, A, T, sub)    \
  SWM_ATOMIC_FETCH(space, A, T, min)    \
  SWM_ATOMIC_FETCH(space, A, T, max)    \
  SWM_ATOMIC_FETCH(space, A, T, and)    \
  SWM_ATOMIC_FETCH(space, A, T, or)     \
  SWM_ATOMIC_FETCH(space, A, T, xor)

namespace metal {

SWM_ATOMIC_INTEGER(device, atomic_uint, uint)
SWM_ATOMIC_INTEGER(device, atomic_int, int)
SWM_ATOMIC_INTEGER(threadgroup, atomic_uint, uint)
SWM_ATOMIC_INTEGER(threadgroup, atomic_int, int)
// MSL has atomic floats in device memory only, with addition and subtraction.
SWM_ATOMIC_EXCHANGE(device, atomic_float, float)
SWM_ATOMIC_FETCH(device, atomic_float, float, add)
SWM_ATOMIC_FETCH(device, atomic_float, float, sub)

}  // namespace metal

#undef SWM_ATOMIC_INTEGER
#undef SWM_ATOMIC_FETCH
#undef SWM_ATOMIC_EXCHANGE

#endif  // SWM_ATOMICS_H_
