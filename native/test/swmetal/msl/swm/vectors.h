// Scalar and vector types of MSL, and vectors made from scalars and shorter vectors: float4(xy, z, w).
#ifndef SWM_VECTORS_H_
#define SWM_VECTORS_H_

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

#define SWM_EACH_TYPE(X) X(char) X(uchar) X(short) X(ushort) X(int) X(uint) X(long) X(ulong) X(half) X(float)

#define SWM_TYPES(T)                                  \
  typedef T T##2 __attribute__((ext_vector_type(2))); \
  typedef T T##3 __attribute__((ext_vector_type(3))); \
  typedef T T##4 __attribute__((ext_vector_type(4)));
SWM_EACH_TYPE(SWM_TYPES)
#undef SWM_TYPES

namespace swm {

template <typename T, int N>
struct Vector;
template <typename T>
struct Lanes {
  enum { count = 1 };
};
template <typename T>
inline T At(T scalar, int) {
  return scalar;
}

#define SWM_TRAIT(T, N) \
  template <>           \
  struct Vector<T, N> { \
    typedef T##N type;  \
  };                    \
  template <>           \
  struct Lanes<T##N> {  \
    enum { count = N }; \
  };                    \
  inline T At(T##N vector, int lane) { return vector[lane]; }
#define SWM_TRAITS(T) SWM_TRAIT(T, 2) SWM_TRAIT(T, 3) SWM_TRAIT(T, 4)
SWM_EACH_TYPE(SWM_TRAITS)
#undef SWM_TRAITS
#undef SWM_TRAIT

template <typename V, typename T>
inline void Put(__private V&, int) {}
template <typename V, typename T, typename First, typename... Rest>
inline void Put(__private V& vector, int at, First first, Rest... rest) {
  for (int lane = 0; lane < Lanes<First>::count; ++lane) vector[at + lane] = static_cast<T>(At(first, lane));
  Put<V, T>(vector, at + Lanes<First>::count, rest...);
}

template <typename T>
struct LanesOfAll {
  template <typename... Parts>
  static constexpr int Count() {
    return (0 + ... + Lanes<Parts>::count);
  }
};

template <typename T, int N>
struct Make {
  typedef typename Vector<T, N>::type V;
  template <typename Only>
  static V Of(Only only) {
    if constexpr (Lanes<Only>::count == 1) {
      return V(static_cast<T>(only));
    } else {
      static_assert(Lanes<Only>::count == N, "a vector of another length");
      return __builtin_convertvector(only, V);
    }
  }
  template <typename First, typename Second, typename... Rest>
  static V Of(First first, Second second, Rest... rest) {
    static_assert(LanesOfAll<T>::template Count<First, Second, Rest...>() == N,
                  "the parts of a vector do not add up to its length");
    V vector;
    Put<V, T>(vector, 0, first, second, rest...);
    return vector;
  }
};

// A coordinate of the grid in the type that the kernel declares.
template <typename T>
inline T Position(const unsigned int* xyz) {
  if constexpr (Lanes<T>::count == 1) {
    return static_cast<T>(xyz[0]);
  } else {
    T position;
    for (int lane = 0; lane < Lanes<T>::count; ++lane) {
      position[lane] = static_cast<decltype(At(position, 0))>(xyz[lane]);
    }
    return position;
  }
}

}  // namespace swm

#define char2(...) swm::Make<char, 2>::Of(__VA_ARGS__)
#define char3(...) swm::Make<char, 3>::Of(__VA_ARGS__)
#define char4(...) swm::Make<char, 4>::Of(__VA_ARGS__)
#define uchar2(...) swm::Make<uchar, 2>::Of(__VA_ARGS__)
#define uchar3(...) swm::Make<uchar, 3>::Of(__VA_ARGS__)
#define uchar4(...) swm::Make<uchar, 4>::Of(__VA_ARGS__)
#define short2(...) swm::Make<short, 2>::Of(__VA_ARGS__)
#define short3(...) swm::Make<short, 3>::Of(__VA_ARGS__)
#define short4(...) swm::Make<short, 4>::Of(__VA_ARGS__)
#define ushort2(...) swm::Make<ushort, 2>::Of(__VA_ARGS__)
#define ushort3(...) swm::Make<ushort, 3>::Of(__VA_ARGS__)
#define ushort4(...) swm::Make<ushort, 4>::Of(__VA_ARGS__)
#define int2(...) swm::Make<int, 2>::Of(__VA_ARGS__)
#define int3(...) swm::Make<int, 3>::Of(__VA_ARGS__)
#define int4(...) swm::Make<int, 4>::Of(__VA_ARGS__)
#define uint2(...) swm::Make<uint, 2>::Of(__VA_ARGS__)
#define uint3(...) swm::Make<uint, 3>::Of(__VA_ARGS__)
#define uint4(...) swm::Make<uint, 4>::Of(__VA_ARGS__)
#define long2(...) swm::Make<long, 2>::Of(__VA_ARGS__)
#define long3(...) swm::Make<long, 3>::Of(__VA_ARGS__)
#define long4(...) swm::Make<long, 4>::Of(__VA_ARGS__)
#define ulong2(...) swm::Make<ulong, 2>::Of(__VA_ARGS__)
#define ulong3(...) swm::Make<ulong, 3>::Of(__VA_ARGS__)
#define ulong4(...) swm::Make<ulong, 4>::Of(__VA_ARGS__)
#define half2(...) swm::Make<half, 2>::Of(__VA_ARGS__)
#define half3(...) swm::Make<half, 3>::Of(__VA_ARGS__)
#define half4(...) swm::Make<half, 4>::Of(__VA_ARGS__)
#define float2(...) swm::Make<float, 2>::Of(__VA_ARGS__)
#define float3(...) swm::Make<float, 3>::Of(__VA_ARGS__)
#define float4(...) swm::Make<float, 4>::Of(__VA_ARGS__)

#endif  // SWM_VECTORS_H_
