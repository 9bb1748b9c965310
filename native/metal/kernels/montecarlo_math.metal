// What simulations compute with: the functions of the CPU's paths to the bit, and sums in pairs of floats.
#include <metal_stdlib>
using namespace metal;

namespace montecarlo {

constant constexpr float kLogTwo = 0.693145751953125f;
constant constexpr float kLogTwoLow = 1.428606765330187045e-6f;

// Returns 2^whole mantissa.
inline float Scaled(float mantissa, int whole) {
  const int part = whole >> 1;
  return mantissa * as_type<float>((part + 127) << 23) * as_type<float>((whole - part + 127) << 23);
}

// The whole number of log(2) nearest to x, whatever is beyond the floats cut off.
inline int Exponent(float x) {
  return int(fma(fmin(fmax(x, -104.0f), 104.0f), 1.442695040888963407359924681f, x < 0.0f ? -0.5f : 0.5f));
}

// exp(x) - 1 of x less `whole` log(2).
inline float ReducedExpm1(float x, int whole) {
  const float y = fma(float(whole), -kLogTwoLow, fma(float(whole), -kLogTwo, x));
  const float yy = y * y;
  const float high = fma(0.000198527617612853646278381f, y, 0.00139304355252534151077271f);
  const float middle = fma(0.00833336077630519866943359f, y, 0.0416664853692054748535156f);
  const float low = fma(0.166666671633720397949219f, y, 0.5f);
  return fma(fma(yy * yy, high, fma(yy, middle, low)), yy, y);
}

// As Exp of Highway, whose paths these are.
inline float Exp(float x) {
  const int whole = Exponent(x);
  const float y = Scaled(ReducedExpm1(x, whole) + 1.0f, whole);
  return x >= -104.0f ? y : 0.0f;
}

// As Expm1 of Highway.
inline float Expm1(float x) {
  const int whole = Exponent(x);
  const float y = ReducedExpm1(x, whole);
  const float z = fabs(x) < 0.346573590279972654708616f ? y : Scaled(y + 1.0f, whole) - 1.0f;
  return x < -104.0f ? -1.0f : z;
}

// As Log of Highway, for numbers that are not subnormal.
inline float Log(float x) {
  const int bits = as_type<int>(x) + (0x3F800000 - 0x3F3504F3);
  const float whole = float((bits >> 23) - 127);
  const float y = as_type<float>((bits & 0x007FFFFF) + 0x3F3504F3);
  const float less = y - 1.0f;
  const float z = less / (y + 1.0f);
  const float zz = z * z;
  const float zzzz = zz * zz;
  const float fit =
      fma(fma(0.28498786688f, zzzz, 0.66666662693f), zz, fma(0.24279078841f, zzzz, 0.40000972152f) * zzzz);
  const float rest = fma(z, less - fit, -(whole * 9.0580006145e-6f)) - less;
  return fma(whole, 0.69313812256f, -rest);
}

constant constexpr float kTailNumerator[] = {220.206867912376f,    221.213596169931f, 112.079291497871f,
                                             33.912866078383f,     6.37396220353165f, 0.700383064443688f,
                                             3.52624965998911E-02f};
constant constexpr float kTailDenominator[] = {440.413735824752f, 793.826512519948f,    637.333633378831f,
                                               296.564248779674f, 86.7807322029461f,    16.064177579207f,
                                               1.75566716318264f, 8.83883476483184E-02f};

// Probability that a standard normal is above z: Hart 1968, as in West 2005 (Better approximations to
// cumulative normal functions). Normals of ours end before 7.07, where another form would be better.
inline float NormalUpperTail(float z) {
  const float x = fmin(fabs(z), 13.0f);
  const float e = Exp(x * x * -0.5f);
  const float tail = e * draws::Polynomial(x, kTailNumerator) / draws::Polynomial(x, kTailDenominator);
  return z < 0.0f ? 1.0f - tail : tail;
}

// The sum of two floats that do not overlap: 48 bits. Dekker 1971, A floating-point technique for extending
// the available precision.
struct Exact {
  float high;
  float low;
};

inline Exact ExactOf(float high, float low) {
  Exact exact;
  exact.high = high;
  exact.low = low;
  return exact;
}
inline Exact Normalized(float high, float low) {
  const float sum = high + low;
  return ExactOf(sum, low - (sum - high));
}
inline Exact Sum(float a, float b) {
  const float sum = a + b;
  const float of_b = sum - a;
  return ExactOf(sum, (a - (sum - of_b)) + (b - of_b));
}
inline Exact Add(Exact a, Exact b) {
  const Exact high = Sum(a.high, b.high);
  const Exact low = Sum(a.low, b.low);
  const Exact sum = Normalized(high.high, high.low + low.high);
  return Normalized(sum.high, sum.low + low.low);
}
inline Exact Negated(Exact a) { return ExactOf(-a.high, -a.low); }
inline Exact Less(Exact a, Exact b) { return Add(a, Negated(b)); }
inline Exact Times(Exact a, Exact b) {
  const float product = a.high * b.high;
  const float rest = fma(a.high, b.high, -product);
  return Normalized(product, rest + fma(a.high, b.low, a.low * b.high));
}

// The sum over the lanes of a simdgroup, in an order of its own: pairs, pairs of pairs.
inline Exact SimdSum(Exact own) {
  Exact sum = own;
  for (ushort apart = 1; apart < 32; apart = ushort(apart * 2)) {
    const Exact other = ExactOf(simd_shuffle_xor(sum.high, apart), simd_shuffle_xor(sum.low, apart));
    sum = Add(sum, other);
  }
  return sum;
}

// Sums of one figure over samples, of differences from a number near them and of the squares of these: as the
// host reads them, see native/metal/host/montecarlo_sums.h.
struct Sums {
  float center;
  Exact sum;
  Exact squares;

  void Start(float near) thread {
    center = near;
    sum = ExactOf(0.0f, 0.0f);
    squares = ExactOf(0.0f, 0.0f);
  }
  void See(Exact value) thread {
    const Exact from = Add(value, ExactOf(-center, 0.0f));
    sum = Add(sum, from);
    squares = Add(squares, Times(from, from));
  }
  // All lanes of a simdgroup; the first one writes.
  void Save(device float* to, uint lane) thread {
    const Exact all = SimdSum(sum);
    const Exact all_squares = SimdSum(squares);
    if (lane != 0) return;
    to[0] = center;
    to[1] = all.high;
    to[2] = all.low;
    to[3] = all_squares.high;
    to[4] = all_squares.low;
  }
};

constant constexpr uint kSums = 5;

}  // namespace montecarlo
