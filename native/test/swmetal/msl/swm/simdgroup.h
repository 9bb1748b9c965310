// Simdgroup functions over 32-bit values. Sums run from lane 0 upwards; a GPU leaves the order open.
#ifndef SWM_SIMDGROUP_H_
#define SWM_SIMDGROUP_H_

namespace metal {

#define SWM_SIMD_REDUCE(name, T, combined)           \
  METAL_FUNC T name(T value) {                       \
    swm_simd_publish(0u, as_type<uint>(value));      \
    const uint active = swm_simd_meet();             \
    uint words[SWM_LANES];                           \
    swm_simd_gather(0u, words);                      \
    T all = value;                                   \
    bool first = true;                               \
    for (uint lane = 0u; lane < SWM_LANES; ++lane) { \
      if ((active >> lane & 1u) == 0u) continue;     \
      const T one = as_type<T>(words[lane]);         \
      all = first ? one : (combined);                \
      first = false;                                 \
    }                                                \
    return all;                                      \
  }

// The sum over the lanes before this one; with `own` 1 it adds the value of this lane.
#define SWM_SIMD_PREFIX(name, T, own)                                  \
  METAL_FUNC T name(T value) {                                         \
    swm_simd_publish(0u, as_type<uint>(value));                        \
    const uint active = swm_simd_meet();                               \
    uint words[SWM_LANES];                                             \
    swm_simd_gather(0u, words);                                        \
    T sum = T(0);                                                      \
    for (uint lane = 0u; lane < swm_simd_lane() + own; ++lane) {       \
      if ((active >> lane & 1u) != 0u) sum += as_type<T>(words[lane]); \
    }                                                                  \
    return sum;                                                        \
  }

// A lane outside of the simdgroup, or one that has ended, gives a value that nobody would take for a result.
#define SWM_SIMD_SHUFFLE(T)                                                               \
  METAL_FUNC T simd_shuffle(T value, ushort lane) {                                       \
    swm_simd_publish(0u, as_type<uint>(value));                                           \
    const uint active = swm_simd_meet();                                                  \
    const bool there = lane < SWM_LANES && (active >> lane & 1u) != 0u;                   \
    return as_type<T>(there ? swm_simd_peek(0u, lane) : 0xffdeadfeu);                     \
  }                                                                                       \
  METAL_FUNC T simd_shuffle_down(T value, ushort by) {                                    \
    return simd_shuffle(value, static_cast<ushort>(swm_simd_lane() + by));                \
  }                                                                                       \
  METAL_FUNC T simd_shuffle_up(T value, ushort by) {                                      \
    return simd_shuffle(value, static_cast<ushort>(swm_simd_lane() - by));                \
  }                                                                                       \
  METAL_FUNC T simd_shuffle_xor(T value, ushort mask) {                                   \
    return simd_shuffle(value, static_cast<ushort>(swm_simd_lane() ^ mask));              \
  }                                                                                       \
  METAL_FUNC T simd_broadcast(T value, ushort lane) { return simd_shuffle(value, lane); } \
  METAL_FUNC T simd_broadcast_first(T value) {                                            \
    swm_simd_publish(0u, as_type<uint>(value));                                           \
    const uint active = swm_simd_meet();                                                  \
    return as_type<T>(swm_simd_peek(0u, ctz(active)));                                    \
  }

#define SWM_SIMD(T)                                 \
  SWM_SIMD_REDUCE(simd_sum, T, all + one)           \
  SWM_SIMD_REDUCE(simd_product, T, all* one)        \
  SWM_SIMD_REDUCE(simd_min, T, min(all, one))       \
  SWM_SIMD_REDUCE(simd_max, T, max(all, one))       \
  SWM_SIMD_PREFIX(simd_prefix_exclusive_sum, T, 0u) \
  SWM_SIMD_PREFIX(simd_prefix_inclusive_sum, T, 1u) \
  SWM_SIMD_SHUFFLE(T)
SWM_SIMD(float)
SWM_SIMD(uint)
SWM_SIMD(int)
#undef SWM_SIMD

#define SWM_SIMD_BITS(T)                 \
  SWM_SIMD_REDUCE(simd_and, T, all& one) \
  SWM_SIMD_REDUCE(simd_or, T, all | one) \
  SWM_SIMD_REDUCE(simd_xor, T, all ^ one)
SWM_SIMD_BITS(uint)
SWM_SIMD_BITS(int)
#undef SWM_SIMD_BITS
#undef SWM_SIMD_SHUFFLE
#undef SWM_SIMD_PREFIX
#undef SWM_SIMD_REDUCE

METAL_FUNC bool simd_any(bool value) { return simd_or(value ? 1u : 0u) != 0u; }
METAL_FUNC bool simd_all(bool value) { return simd_and(value ? 1u : 0u) != 0u; }
METAL_FUNC bool simd_is_first() {
  const uint active = swm_simd_meet();
  return ctz(active) == swm_simd_lane();
}

}  // namespace metal

#endif  // SWM_SIMDGROUP_H_
