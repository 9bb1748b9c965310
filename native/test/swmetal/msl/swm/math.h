// Floating-point functions: those of the C library, lane by lane. MSL has no erf, expm1, log1p or lgamma.
#ifndef SWM_MATH_H_
#define SWM_MATH_H_

#define INFINITY __builtin_inff()
#define HUGE_VALF __builtin_inff()
#define NAN __builtin_nanf("")
#define MAXFLOAT 3.402823466e+38f
#define FLT_MAX 3.402823466e+38f
#define FLT_MIN 1.175494351e-38f
#define FLT_EPSILON 1.192092896e-07f
#define M_PI_F 3.14159265358979323846f
#define M_PI_2_F 1.57079632679489661923f
#define M_1_PI_F 0.318309886183790671538f
#define M_2_PI_F 0.636619772367581343076f
#define M_2_SQRTPI_F 1.12837916709551257390f
#define M_SQRT2_F 1.41421356237309504880f
#define M_SQRT1_2_F 0.707106781186547524401f
#define M_E_F 2.71828182845904523536f
#define M_LN2_F 0.693147180559945309417f
#define M_LN10_F 2.30258509299404568402f
#define M_LOG2E_F 1.44269504088896340736f
#define M_LOG10E_F 0.434294481903251827651f

namespace swm {

inline float Rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float Fract(float x) { return __builtin_fminf(x - __builtin_floorf(x), 0x1.fffffep-1f); }
inline float Sign(float x) { return x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x == 0.0f ? x : 0.0f; }
inline float Saturate(float x) { return __builtin_fminf(__builtin_fmaxf(x, 0.0f), 1.0f); }
// The reduction to [-1, 1] half turns is exact.
inline float HalfTurns(float x) { return M_PI_F * (x - 2.0f * __builtin_rintf(0.5f * x)); }
inline float SinPi(float x) { return __builtin_sinf(HalfTurns(x)); }
inline float CosPi(float x) { return __builtin_cosf(HalfTurns(x)); }

}  // namespace swm

namespace metal {

#define SWM_MATH_1(name, one)                                                   \
  inline float name(float x) { return one(x); }                                 \
  inline float2 name(float2 x) { return float2{one(x.x), one(x.y)}; }           \
  inline float3 name(float3 x) { return float3{one(x.x), one(x.y), one(x.z)}; } \
  inline float4 name(float4 x) { return float4{one(x.x), one(x.y), one(x.z), one(x.w)}; }

#define SWM_MATH_2(name, one)                                                                            \
  inline float name(float x, float y) { return one(x, y); }                                              \
  inline float2 name(float2 x, float2 y) { return float2{one(x.x, y.x), one(x.y, y.y)}; }                \
  inline float3 name(float3 x, float3 y) { return float3{one(x.x, y.x), one(x.y, y.y), one(x.z, y.z)}; } \
  inline float4 name(float4 x, float4 y) {                                                               \
    return float4{one(x.x, y.x), one(x.y, y.y), one(x.z, y.z), one(x.w, y.w)};                           \
  }

SWM_MATH_1(exp, __builtin_expf)
SWM_MATH_1(exp2, __builtin_exp2f)
SWM_MATH_1(exp10, __builtin_exp10f)
SWM_MATH_1(log, __builtin_logf)
SWM_MATH_1(log2, __builtin_log2f)
SWM_MATH_1(log10, __builtin_log10f)
SWM_MATH_1(sqrt, __builtin_sqrtf)
SWM_MATH_1(rsqrt, swm::Rsqrt)
SWM_MATH_1(sin, __builtin_sinf)
SWM_MATH_1(cos, __builtin_cosf)
SWM_MATH_1(tan, __builtin_tanf)
SWM_MATH_1(asin, __builtin_asinf)
SWM_MATH_1(acos, __builtin_acosf)
SWM_MATH_1(atan, __builtin_atanf)
SWM_MATH_1(sinh, __builtin_sinhf)
SWM_MATH_1(cosh, __builtin_coshf)
SWM_MATH_1(tanh, __builtin_tanhf)
SWM_MATH_1(asinh, __builtin_asinhf)
SWM_MATH_1(acosh, __builtin_acoshf)
SWM_MATH_1(atanh, __builtin_atanhf)
SWM_MATH_1(sinpi, swm::SinPi)
SWM_MATH_1(cospi, swm::CosPi)
SWM_MATH_1(fabs, __builtin_fabsf)
SWM_MATH_1(abs, __builtin_fabsf)
SWM_MATH_1(floor, __builtin_floorf)
SWM_MATH_1(ceil, __builtin_ceilf)
SWM_MATH_1(round, __builtin_roundf)
SWM_MATH_1(rint, __builtin_rintf)
SWM_MATH_1(trunc, __builtin_truncf)
SWM_MATH_1(fract, swm::Fract)
SWM_MATH_1(sign, swm::Sign)
SWM_MATH_1(saturate, swm::Saturate)
SWM_MATH_2(pow, __builtin_powf)
SWM_MATH_2(powr, __builtin_powf)
SWM_MATH_2(atan2, __builtin_atan2f)
SWM_MATH_2(fmod, __builtin_fmodf)
SWM_MATH_2(copysign, __builtin_copysignf)
SWM_MATH_2(min, __builtin_fminf)
SWM_MATH_2(max, __builtin_fmaxf)
SWM_MATH_2(fmin, __builtin_fminf)
SWM_MATH_2(fmax, __builtin_fmaxf)
SWM_MATH_2(fdim, __builtin_fdimf)
SWM_MATH_2(nextafter, __builtin_nextafterf)
#undef SWM_MATH_1
#undef SWM_MATH_2

inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float2 fma(float2 a, float2 b, float2 c) { return float2{fma(a.x, b.x, c.x), fma(a.y, b.y, c.y)}; }
inline float3 fma(float3 a, float3 b, float3 c) {
  return float3{fma(a.x, b.x, c.x), fma(a.y, b.y, c.y), fma(a.z, b.z, c.z)};
}
inline float4 fma(float4 a, float4 b, float4 c) {
  return float4{fma(a.x, b.x, c.x), fma(a.y, b.y, c.y), fma(a.z, b.z, c.z), fma(a.w, b.w, c.w)};
}

inline float sincos(float x, thread float& cosine) {
  cosine = __builtin_cosf(x);
  return __builtin_sinf(x);
}
inline float modf(float x, thread float& whole) {
  whole = __builtin_truncf(x);
  return __builtin_copysignf(__builtin_isinf(x) ? 0.0f : x - whole, x);
}
inline float frexp(float x, thread int& exponent) {
  const bool zero_or_not_finite = x == 0.0f || !__builtin_isfinite(x);
  exponent = zero_or_not_finite ? 0 : __builtin_ilogbf(x) + 1;
  return __builtin_ldexpf(x, -exponent);
}
inline float ldexp(float x, int exponent) { return __builtin_ldexpf(x, exponent); }
inline int ilogb(float x) { return __builtin_ilogbf(x); }
inline float divide(float x, float y) { return x / y; }
inline float clamp(float x, float low, float high) { return fmin(fmax(x, low), high); }
inline float2 clamp(float2 x, float2 low, float2 high) { return fmin(fmax(x, low), high); }
inline float3 clamp(float3 x, float3 low, float3 high) { return fmin(fmax(x, low), high); }
inline float4 clamp(float4 x, float4 low, float4 high) { return fmin(fmax(x, low), high); }
inline float mix(float x, float y, float part) { return x + (y - x) * part; }
inline float step(float edge, float x) { return x < edge ? 0.0f : 1.0f; }
inline float smoothstep(float low, float high, float x) {
  const float part = swm::Saturate((x - low) / (high - low));
  return part * part * (3.0f - 2.0f * part);
}
inline float max3(float x, float y, float z) { return fmax(x, fmax(y, z)); }
inline float min3(float x, float y, float z) { return fmin(x, fmin(y, z)); }
inline float median3(float x, float y, float z) { return fmax(fmin(x, y), fmin(fmax(x, y), z)); }

// Comparisons of floats, so that fast math, which assumes neither NaN nor infinities, folds them.
inline bool isnan(float x) { return x != x; }
inline bool isinf(float x) { return __builtin_fabsf(x) == INFINITY; }
inline bool isfinite(float x) { return __builtin_fabsf(x) < INFINITY; }
inline bool isnormal(float x) { return isfinite(x) && __builtin_fabsf(x) >= FLT_MIN; }
inline bool signbit(float x) { return (__builtin_bit_cast(uint, x) >> 31) != 0u; }

inline float dot(float2 x, float2 y) { return x.x * y.x + x.y * y.y; }
inline float dot(float3 x, float3 y) { return x.x * y.x + x.y * y.y + x.z * y.z; }
inline float dot(float4 x, float4 y) { return x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w; }
template <typename V>
inline float length(V x) {
  return sqrt(dot(x, x));
}

// Both name the C library here: what differs on a GPU is accuracy and speed.
#define SWM_VARIANTS                                                                                    \
  using metal::exp, metal::exp2, metal::exp10, metal::log, metal::log2, metal::log10, metal::sqrt;      \
  using metal::rsqrt, metal::sin, metal::cos, metal::tan, metal::asin, metal::acos, metal::atan,        \
      metal::sinh;                                                                                      \
  using metal::cosh, metal::tanh, metal::asinh, metal::acosh, metal::atanh, metal::sinpi, metal::cospi; \
  using metal::fabs, metal::abs, metal::floor, metal::ceil, metal::round, metal::rint, metal::trunc;    \
  using metal::fract, metal::pow, metal::powr, metal::atan2, metal::fmod, metal::min, metal::max;       \
  using metal::fmin, metal::fmax, metal::fma, metal::sincos, metal::divide, metal::clamp;               \
  using metal::isnan, metal::isinf, metal::isfinite, metal::ldexp, metal::saturate, metal::sign;
namespace precise {
SWM_VARIANTS
}
namespace fast {
SWM_VARIANTS
}
#undef SWM_VARIANTS

}  // namespace metal

#endif  // SWM_MATH_H_
