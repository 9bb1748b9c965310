// Kernels of the self test: what of C++ MSL has.
#include <metal_stdlib>
using namespace metal;
#pragma METAL fp contract(off)

constant constexpr float kWeights[3] = {0.5f, 0.25f, 0.125f};
constant constexpr uint kCount = 3u;

struct Kahan {
  float sum;
  float rest;
  void Reset() {
    sum = 0.0f;
    rest = 0.0f;
  }
  void Add(float x) {
    const float y = x - rest;
    const float t = sum + y;
    rest = (t - sum) - y;
    sum = t;
  }
  float Total() const { return sum; }
};

template <typename T, uint N>
struct Ring {
  static constant constexpr uint kSize = N;
  static constant constexpr float kScale[2] = {1.0f, 10.0f};
  T items[N];
  uint head;
  Kahan kahan;

  void Reset() {
    for (uint i = 0u; i < N; ++i) items[i] = T(0);
    head = 0u;
    kahan.Reset();
  }
  void Push(T value) {
    items[head] = value;
    head = (head + 1u) % kSize;
    kahan.Add(float(value));
  }
  thread T& Last() thread { return items[(head + kSize - 1u) % kSize]; }
  template <typename U>
  U SumAs() const {
    U sum = U(0);
    for (T item : items) sum += U(item);
    return sum;
  }
  static T Square(T x) { return x * x; }
  float operator()(float x) const { return x * kScale[1] + kahan.Total(); }
};
template <typename T>
using Ring4 = Ring<T, 4u>;

struct Point {
  float x, y;
  float Sum() const { return x + y; }
  float Sum() const device { return x - y; }
};

template <typename F>
static inline float Apply(F f, float x) {
  return f(x);
}
template <typename T, uint N>
static inline T Total(thread const T (&values)[N]) {
  T total = T(0);
  for (uint i = 0u; i < N; ++i) total += values[i];
  return total;
}
template <bool Double>
static inline float Maybe(float x) {
  if constexpr (Double) {
    return 2.0f * x;
  } else {
    return x;
  }
}

#define COPY_KERNEL(name, type)                                                                \
  kernel void name(device const type* in [[buffer(0)]], device type* out [[buffer(1)]],        \
                   constant uint& count [[buffer(2)]], uint gid [[thread_position_in_grid]]) { \
    if (gid < count) out[gid] = in[gid];                                                       \
  }
COPY_KERNEL(copy_float, float)
COPY_KERNEL(copy_uint, uint)

kernel void members(device float* out [[buffer(0)]], device Point* points [[buffer(1)]],
                    uint gid [[thread_position_in_grid]]) {
  Ring4<float> ring;
  ring.Reset();
  for (uint i = 0u; i < 6u; ++i) ring.Push(float(i));
  ring.Last() += 0.5f;
  float weights[3];
  for (uint i = 0u; i < kCount; ++i) weights[i] = kWeights[i];
  Point point = points[gid];
  point.x += 1.0f;
  points[gid + 1u] = point;
  points[gid + 2u] = points[gid];
  threadgroup Point shared_point;
  shared_point = point;
  out[0] = ring.SumAs<float>();
  out[1] = ring.kahan.Total();
  out[2] = Ring4<float>::Square(3.0f) + float(Ring<int, 7u>::kSize);
  out[3] = Apply(ring, 2.0f);
  out[4] = Total(weights);
  out[5] = point.Sum() + points[gid].Sum();
  out[6] = Maybe<true>(1.5f) + Maybe<false>(1.5f);
  out[7] = shared_point.x;
  // Names that are keywords of OpenCL only.
  const float local = 1.0f, global = 2.0f;
  out[8] = local + global;
}
