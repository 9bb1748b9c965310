// Integer and type-independent functions of MSL.
#ifndef SWM_INTEGERS_H_
#define SWM_INTEGERS_H_

#define CHAR_BIT 8
#define SHRT_MAX 32767
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-INT_MAX - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX 9223372036854775807l
#define LONG_MIN (-LONG_MAX - 1l)
#define ULONG_MAX 18446744073709551615ul

namespace metal {

template <typename To, typename From>
inline To as_type(From value) {
  static_assert(sizeof(To) == sizeof(From), "as_type between types of different size");
  return __builtin_bit_cast(To, value);
}

#define SWM_ORDERED(T)                                                  \
  inline T min(T x, T y) { return y < x ? y : x; }                      \
  inline T max(T x, T y) { return x < y ? y : x; }                      \
  inline T clamp(T x, T low, T high) { return min(max(x, low), high); } \
  inline T max3(T x, T y, T z) { return max(x, max(y, z)); }            \
  inline T min3(T x, T y, T z) { return min(x, min(y, z)); }            \
  inline T median3(T x, T y, T z) { return max(min(x, y), min(max(x, y), z)); }
SWM_ORDERED(char)
SWM_ORDERED(uchar)
SWM_ORDERED(short)
SWM_ORDERED(ushort)
SWM_ORDERED(int)
SWM_ORDERED(uint)
SWM_ORDERED(long)
SWM_ORDERED(ulong)
#undef SWM_ORDERED

#define SWM_ORDERED_LANES(T, N)                                                           \
  inline T##N min(T##N x, T##N y) {                                                       \
    for (int lane = 0; lane < N; ++lane) x[lane] = y[lane] < x[lane] ? y[lane] : x[lane]; \
    return x;                                                                             \
  }                                                                                       \
  inline T##N max(T##N x, T##N y) {                                                       \
    for (int lane = 0; lane < N; ++lane) x[lane] = x[lane] < y[lane] ? y[lane] : x[lane]; \
    return x;                                                                             \
  }
SWM_ORDERED_LANES(int, 2)
SWM_ORDERED_LANES(int, 3)
SWM_ORDERED_LANES(int, 4)
SWM_ORDERED_LANES(uint, 2)
SWM_ORDERED_LANES(uint, 3)
SWM_ORDERED_LANES(uint, 4)
#undef SWM_ORDERED_LANES

inline int abs(int x) { return x < 0 ? -x : x; }
inline long abs(long x) { return x < 0 ? -x : x; }
inline short abs(short x) { return static_cast<short>(x < 0 ? -x : x); }
inline uint absdiff(uint x, uint y) { return x < y ? y - x : x - y; }
inline uint absdiff(int x, int y) { return x < y ? uint(y) - uint(x) : uint(x) - uint(y); }

inline uint mulhi(uint x, uint y) { return static_cast<uint>((ulong(x) * ulong(y)) >> 32); }
inline int mulhi(int x, int y) { return static_cast<int>((long(x) * long(y)) >> 32); }
inline ulong mulhi(ulong x, ulong y) {
  const ulong x_low = x & 0xfffffffful, x_high = x >> 32;
  const ulong y_low = y & 0xfffffffful, y_high = y >> 32;
  const ulong middle = x_high * y_low + ((x_low * y_low) >> 32);
  const ulong carry = x_low * y_high + (middle & 0xfffffffful);
  return x_high * y_high + (middle >> 32) + (carry >> 32);
}
inline long mulhi(long x, long y) {
  const ulong high = mulhi(static_cast<ulong>(x), static_cast<ulong>(y));
  return static_cast<long>(high - (x < 0 ? ulong(y) : 0ul) - (y < 0 ? ulong(x) : 0ul));
}
inline uint2 mulhi(uint2 x, uint2 y) { return uint2{mulhi(x.x, y.x), mulhi(x.y, y.y)}; }
inline uint4 mulhi(uint4 x, uint4 y) {
  return uint4{mulhi(x.x, y.x), mulhi(x.y, y.y), mulhi(x.z, y.z), mulhi(x.w, y.w)};
}
inline uint mad24(uint x, uint y, uint z) { return (x & 0xffffffu) * (y & 0xffffffu) + z; }
inline uint mul24(uint x, uint y) { return (x & 0xffffffu) * (y & 0xffffffu); }
inline uint madhi(uint x, uint y, uint z) { return mulhi(x, y) + z; }
inline uint addsat(uint x, uint y) { return x + y < x ? UINT_MAX : x + y; }
inline uint subsat(uint x, uint y) { return x < y ? 0u : x - y; }

inline uint popcount(uint x) { return static_cast<uint>(__builtin_popcount(x)); }
inline int popcount(int x) { return __builtin_popcount(static_cast<uint>(x)); }
inline ulong popcount(ulong x) { return static_cast<ulong>(__builtin_popcountl(x)); }
inline uint clz(uint x) { return x == 0u ? 32u : static_cast<uint>(__builtin_clz(x)); }
inline uint ctz(uint x) { return x == 0u ? 32u : static_cast<uint>(__builtin_ctz(x)); }
inline ulong clz(ulong x) { return x == 0ul ? 64ul : static_cast<ulong>(__builtin_clzl(x)); }
inline ulong ctz(ulong x) { return x == 0ul ? 64ul : static_cast<ulong>(__builtin_ctzl(x)); }
inline uint rotate(uint x, uint by) { return __builtin_rotateleft32(x, by); }
inline ulong rotate(ulong x, ulong by) { return __builtin_rotateleft64(x, by); }
inline uint reverse_bits(uint x) { return __builtin_bitreverse32(x); }
inline ulong reverse_bits(ulong x) { return __builtin_bitreverse64(x); }
inline uint extract_bits(uint x, uint from, uint bits) {
  return bits == 0u ? 0u : (x >> from) & (UINT_MAX >> (32u - bits));
}

template <typename T>
inline T select(T if_false, T if_true, bool condition) {
  return condition ? if_true : if_false;
}
template <typename V>
inline bool any(V x) {
  bool found = false;
  for (int lane = 0; lane < swm::Lanes<V>::count; ++lane) found |= x[lane] != 0;
  return found;
}
template <typename V>
inline bool all(V x) {
  bool every = true;
  for (int lane = 0; lane < swm::Lanes<V>::count; ++lane) every &= x[lane] != 0;
  return every;
}

}  // namespace metal

#endif  // SWM_INTEGERS_H_
