// The few operations of f64 that a result needs to the last bit of its f32, done with integers; and f32 as
// integers that order like them.
#include <metal_stdlib>
using namespace metal;

namespace exact {

// (negative ? -1 : 1) mantissa 2^exponent, where the mantissa is 0 or has 53 bits. Exponents are those of
// products and quotients of f32, so none leaves the range of f64.
struct Double {
  ulong mantissa;
  int exponent;
  bool negative;
};

inline Double Zero() {
  Double zero;
  zero.mantissa = 0;
  zero.exponent = 0;
  zero.negative = false;
  return zero;
}

inline uint LeadingZeros(ulong a) {
  const uint high = uint(a >> 32);
  return high != 0 ? clz(high) : 32 + clz(uint(a));
}

// Rounds to even; `more` tells that something is left below the last bit of `mantissa`, which has 56 bits or
// more then.
inline Double Rounded(bool negative, ulong mantissa, int exponent, bool more) {
  if (mantissa == 0) return Zero();
  Double a;
  a.negative = negative;
  const int surplus = 11 - int(LeadingZeros(mantissa));
  a.exponent = exponent + surplus;
  if (surplus <= 0) {
    a.mantissa = mantissa << uint(-surplus);
    return a;
  }
  const ulong rest = mantissa & ((ulong(1) << uint(surplus)) - 1);
  const ulong half_bit = ulong(1) << uint(surplus - 1);
  a.mantissa = mantissa >> uint(surplus);
  const bool is_odd = (a.mantissa & 1) != 0;
  if (rest > half_bit || (rest == half_bit && (more || is_odd))) ++a.mantissa;
  if (a.mantissa >> 53 != 0) {
    a.mantissa >>= 1;
    ++a.exponent;
  }
  return a;
}

inline Double OfUint(uint n) { return Rounded(false, n, 0, false); }

// Mantissa and exponent of a finite f32.
inline uint MantissaOf(float x, thread int& exponent) {
  const uint bits = as_type<uint>(x);
  const uint field = bits >> 23 & 0xffu;
  exponent = field == 0 ? -149 : int(field) - 150;
  return field == 0 ? bits & 0x7fffffu : (bits & 0x7fffffu) | 0x800000u;
}
inline bool IsNegative(float x) { return as_type<uint>(x) >> 31 != 0; }

inline Double OfFloat(float x) {
  int exponent = 0;
  const uint mantissa = MantissaOf(x, exponent);
  return Rounded(IsNegative(x), mantissa, exponent, false);
}

// A positive f64 or 0, as the host has it in memory.
inline Double OfBits(uint low, uint high) {
  const ulong fraction = ulong(high & 0xfffffu) << 32 | low;
  const uint field = high >> 20 & 0x7ffu;
  if (field == 0) return Zero();  // denormal: nothing that it could change
  return Rounded(false, fraction | ulong(1) << 52, int(field) - 1075, false);
}

inline Double Neg(Double a) {
  a.negative = !a.negative;
  return a;
}

inline bool IsSmaller(Double a, Double b) {  // in magnitude
  if (a.mantissa == 0 || b.mantissa == 0) return a.mantissa < b.mantissa;
  return a.exponent != b.exponent ? a.exponent < b.exponent : a.mantissa < b.mantissa;
}

inline bool IsLess(Double a, Double b) {
  const bool below_a = a.negative && a.mantissa != 0;
  const bool below_b = b.negative && b.mantissa != 0;
  if (below_a != below_b) return below_a;
  return below_a ? IsSmaller(b, a) : IsSmaller(a, b);
}

inline Double Add(Double a, Double b) {
  if (a.mantissa == 0) return b;
  if (b.mantissa == 0) return a;
  const bool swaps = IsSmaller(a, b);
  const Double large = swaps ? b : a;
  const Double small = swaps ? a : b;
  // Ten bits below the last one; what falls off even those is kept as one bit, which is all that rounding
  // asks for.
  const uint apart = min(uint(large.exponent - small.exponent), 63u);
  const ulong whole = small.mantissa << 10;
  ulong shifted = whole >> apart;
  if (shifted << apart != whole) shifted |= 1;
  const ulong base = large.mantissa << 10;
  const ulong sum = large.negative == small.negative ? base + shifted : base - shifted;
  return Rounded(large.negative, sum, large.exponent - 10, false);
}
inline Double Sub(Double a, Double b) { return Add(a, Neg(b)); }

inline Double Mul(Double a, Double b) {
  if (a.mantissa == 0 || b.mantissa == 0) return Zero();
  // 53 bits are 26 and 27: products of halves fit.
  const ulong mask = (ulong(1) << 26) - 1;
  const ulong a_low = a.mantissa & mask;
  const ulong a_high = a.mantissa >> 26;
  const ulong b_low = b.mantissa & mask;
  const ulong b_high = b.mantissa >> 26;
  const ulong low = a_low * b_low;
  const ulong middle = a_low * b_high + a_high * b_low + (low >> 26);
  // In units of 2^26 from here on, then the product of the high halves in units of 2^52.
  const ulong high = a_high * b_high + (middle >> 26);
  const ulong rest = (middle & mask) << 26 | (low & mask);
  // `high` has 53 or 54 bits: eight of the 52 below it are enough, with what is left of them.
  const ulong mantissa = high << 8 | rest >> 44;
  const bool more = (rest & ((ulong(1) << 44) - 1)) != 0;
  return Rounded(a.negative != b.negative, mantissa, a.exponent + b.exponent + 44, more);
}

// x / y of two finite f32, y not 0, rounded to f64.
inline Double Quotient(float x, float y) {
  int exponent_x = 0;
  int exponent_y = 0;
  uint above = MantissaOf(x, exponent_x);
  uint below = MantissaOf(y, exponent_y);
  if (above == 0) return Zero();
  // Long division in two steps, of 24 bits each: the quotient has 59 bits at least.
  const uint up = clz(above) - 8;
  const uint down = clz(below) - 8;
  above <<= up;
  below <<= down;
  exponent_x -= int(up);
  exponent_y -= int(down);
  const ulong first = (ulong(above) << 32) / below;
  const ulong left = (ulong(above) << 32) - first * below;
  const ulong second = (left << 28) / below;
  const bool more = (left << 28) - second * below != 0;
  return Rounded(IsNegative(x) != IsNegative(y), (first << 28) + second, exponent_x - exponent_y - 60, more);
}

inline float ToFloat(Double a) {
  if (a.mantissa == 0) return 0.0f;
  const uint sign = a.negative ? 0x80000000u : 0u;
  const int top = a.exponent + 52;
  if (top > 127) return as_type<float>(sign | 0x7f800000u);
  // Below 2^-126 there are fewer bits.
  const uint drop = top >= -126 ? 29u : min(uint(29 - 126 - top), 63u);
  const ulong rest = a.mantissa & ((ulong(1) << drop) - 1);
  const ulong half_bit = ulong(1) << (drop - 1);
  uint kept = uint(a.mantissa >> drop);
  if (rest > half_bit || (rest == half_bit && (kept & 1) != 0)) ++kept;
  // A carry goes on into the exponent, as it should.
  const uint field = top >= -126 ? uint(top + 126) << 23 : 0u;
  return as_type<float>(sign | (field + kept));
}

// The whole part of a number from 0 to 2^32, and what is left of it.
inline uint SplitWhole(Double a, thread Double& part) {
  part = Zero();
  if (a.mantissa == 0) return 0;
  if (a.exponent >= 0) return uint(a.mantissa << uint(a.exponent));
  const uint bits = uint(-a.exponent);
  if (bits >= 64) {
    part = a;
    return 0;
  }
  part = Rounded(false, a.mantissa & ((ulong(1) << bits) - 1), a.exponent, false);
  return uint(a.mantissa >> bits);
}

// An integer that orders like x; both zeros are one number. x is not NaN. Nothing is compared with 0, which a
// compiler may make a comparison of floats, where denormal numbers are 0.
inline uint KeyOf(float x) {
  const uint bits = as_type<uint>(x);
  const uint magnitude = bits & 0x7fffffffu;
  return bits >> 31 != 0 ? 0x80000000u - magnitude : 0x80000000u + magnitude;
}
inline float FromKey(uint key) {
  const uint bits = key >= 0x80000000u ? key - 0x80000000u : 0x80000000u + (0x80000000u - key);
  return as_type<float>(bits);
}

// Which place a quantile of `n` sorted values has: `low` values are below it, and `part` is how far it is on
// the way to the next.
struct QuantilePlace {
  uint low;
  Double part;
};
inline QuantilePlace PlaceOf(uint n, Double probability) {
  QuantilePlace place;
  place.low = SplitWhole(Mul(OfUint(n - 1), probability), place.part);
  return place;
}

// Hyndman and Fan 1996, type 7, and its relatives. Methods as in RollingQuantileArgs and QuantilesArgs.
inline Double Between(uint method, thread const QuantilePlace& place, float low, float high) {
  const Double from = OfFloat(low);
  if (place.part.mantissa == 0 || method == 1) return from;
  if (method == 2) return OfFloat(high);
  Double half_way;
  half_way.mantissa = ulong(1) << 52;
  half_way.exponent = -53;
  half_way.negative = false;
  if (method == 3) {
    // Halves go to the even place.
    const bool goes_on =
        IsLess(half_way, place.part) || (!IsLess(place.part, half_way) && place.low % 2 != 0);
    return OfFloat(goes_on ? high : low);
  }
  Double by = place.part;
  if (method == 4) by = half_way;
  return Add(from, Mul(Sub(OfFloat(high), from), by));
}

}  // namespace exact
