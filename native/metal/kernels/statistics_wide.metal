// Numbers of twice the precision of f32, as the sum of two: statistics of f32 are computed in f64 on the CPU
// and rounded once.
#include <metal_stdlib>
using namespace metal;

namespace wide {

// hi + lo, where hi is what the sum rounds to.
struct Num {
  float hi;
  float lo;
};

inline Num Of(float hi) {
  Num a;
  a.hi = hi;
  a.lo = 0.0f;
  return a;
}

// Exact where |a| >= |b|.
inline Num Ordered(float a, float b) {
  Num sum;
  sum.hi = a + b;
  sum.lo = b - (sum.hi - a);
  return sum;
}

// Exact (Knuth 1969, The art of computer programming 2, 4.2.2).
inline Num Sum(float a, float b) {
  Num sum;
  sum.hi = a + b;
  const float part = sum.hi - a;
  sum.lo = (a - (sum.hi - part)) + (b - part);
  return sum;
}

// A whole number below 2^32.
inline Num OfCount(uint n) {
  const uint high = n & 0xffff0000u;
  return Ordered(float(high), float(n - high));
}

inline Num Neg(Num a) {
  a.hi = -a.hi;
  a.lo = -a.lo;
  return a;
}

// Li et al. 2002, Design, implementation and testing of extended and mixed precision BLAS.
inline Num Add(Num a, Num b) {
  Num sum = Sum(a.hi, b.hi);
  const Num rest = Sum(a.lo, b.lo);
  sum = Ordered(sum.hi, sum.lo + rest.hi);
  return Ordered(sum.hi, sum.lo + rest.lo);
}
inline Num Sub(Num a, Num b) { return Add(a, Neg(b)); }

inline Num Mul(Num a, Num b) {
  const float product = a.hi * b.hi;
  const float rest = fma(a.hi, b.hi, -product);
  return Ordered(product, fma(a.hi, b.lo, fma(a.lo, b.hi, rest)));
}
// By a power of two.
inline Num Scaled(Num a, float by) {
  a.hi *= by;
  a.lo *= by;
  return a;
}

// 0 / 0 is NaN, as it must be.
inline Num Div(Num a, Num b) {
  const float first = a.hi / b.hi;
  const Num left = Sub(a, Mul(b, Of(first)));
  const float second = left.hi / b.hi;
  const Num rest = Sub(left, Mul(b, Of(second)));
  const Num both = Ordered(first, second);
  return Ordered(both.hi, both.lo + rest.hi / b.hi);
}

inline Num Sqrt(Num a) {
  const float root = sqrt(a.hi);
  if (!(root > 0.0f)) return Of(root);
  const Num rest = Sub(a, Mul(Of(root), Of(root)));
  return Ordered(root, rest.hi / (2.0f * root));
}

// 2^exponent, from -126 to 127.
inline float PowerOf2(int exponent) { return as_type<float>(uint(exponent + 127) << 23); }

// a 2^exponent, from -252 to 254; rounded once unless it is denormal.
inline float Round(Num a, int exponent) {
  const int some = exponent / 2;
  return a.hi * PowerOf2(some) * PowerOf2(exponent - some);
}

// The sum over a simdgroup; the same in all lanes.
inline Num SimdSum(Num a) {
  for (ushort by = 1; by < 32; by = ushort(by * 2)) {
    Num other;
    other.hi = simd_shuffle_xor(a.hi, by);
    other.lo = simd_shuffle_xor(a.lo, by);
    a = Add(a, other);
  }
  return a;
}

// What values are divided by, a power of two, so that the largest distance between two of them is about 1 and
// no power of one leaves the range of f32. `half_far` is half of that distance: itself it may be too large
// for f32.
inline int ExponentOf(float half_far) {
  if (half_far == 0.0f) return 0;
  return min(int(as_type<uint>(half_far) >> 23) - 125, 126);
}

}  // namespace wide
