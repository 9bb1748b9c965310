// Kernels of the self test: functions of numbers.
#include <metal_stdlib>
using namespace metal;

// 24 results of each x > 0 in [0.01, 10].
kernel void functions(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                      uint gid [[thread_position_in_grid]]) {
  const float x = in[gid];
  device float* y = out + 24u * gid;
  y[0] = exp(x);
  y[1] = log(x);
  y[2] = sin(x);
  y[3] = cos(x);
  y[4] = sqrt(x);
  y[5] = rsqrt(x);
  y[6] = pow(x, 1.5f);
  y[7] = floor(x) + 10.0f * ceil(x) + 100.0f * round(x);
  y[8] = fma(x, x, -1.0f);
  y[9] = fabs(1.0f - x) + abs(x - 2.0f);
  y[10] = min(x, 1.0f) + max(x, 2.0f) + clamp(x, 1.0f, 2.0f);
  y[11] = sign(1.0f - x);
  y[12] = precise::exp(x) + precise::log(x) + precise::sin(x) + precise::cos(x);
  y[13] = precise::sqrt(x) + precise::pow(x, 0.5f) + precise::rsqrt(x);
  y[14] = tanh(x);
  y[15] = exp2(x) + log2(x);
  y[16] = atan2(x, 2.0f);
  y[17] = fmod(x, 0.75f) + trunc(x) + rint(x);
  y[18] = copysign(x, -1.0f) + ldexp(x, 3);
  y[19] = select(1.0f, 2.0f, x > 1.0f);
  y[20] = x / 3.0f;
  float cosine;
  y[21] = sincos(x, cosine);
  y[22] = cosine;
  y[23] = fast::exp(x);
}

// Classification of bit patterns: 1 for isnan, 2 isinf, 4 isfinite, 8 isnormal, 16 signbit.
kernel void classify(device const uint* in [[buffer(0)]], device uint* out [[buffer(1)]],
                     uint gid [[thread_position_in_grid]]) {
  const float x = as_type<float>(in[gid]);
  out[gid] = uint(isnan(x)) + 2u * uint(isinf(x)) + 4u * uint(isfinite(x)) + 8u * uint(isnormal(x)) +
             16u * uint(signbit(x));
}

kernel void integers(device const ulong* in [[buffer(0)]], device ulong* out [[buffer(1)]],
                     uint gid [[thread_position_in_grid]]) {
  const ulong x = in[2u * gid], y = in[2u * gid + 1u];
  device ulong* z = out + 16u * gid;
  z[0] = x * y + 7ul;
  z[1] = x / (y | 1ul) + x % (y | 1ul);
  z[2] = ulong(long(x) / long(y | 1ul));
  z[3] = mulhi(x, y);
  z[4] = ulong(mulhi(long(x), long(y)));
  z[5] = mulhi(uint(x), uint(y));
  z[6] = ulong(mulhi(int(x), int(y)));
  z[7] = popcount(uint(x)) + 100ul * popcount(y);
  z[8] = clz(uint(x)) + 100u * ctz(uint(y));
  z[9] = rotate(uint(x), 5u) ^ reverse_bits(uint(y));
  z[10] = min(x, y) ^ max(x, y) ^ clamp(x, 5ul, 1000ul);
  z[11] = ulong(min(int(x), int(y))) + ulong(abs(int(x) / 2));
  z[12] = (x << 7) ^ (x >> 9) ^ ulong(long(x) >> 3);
  z[13] = as_type<uint>(1.5f) + ulong(as_type<uint2>(x).y);
  z[14] = absdiff(uint(x), uint(y)) + addsat(uint(x), 0xfffffff0u) + subsat(3u, uint(y));
  z[15] = ulong(float(x)) + ulong(short(x)) + ulong(uchar(y));
}

// Vectors of two to four, made and taken apart.
kernel void vectors(device const float* in [[buffer(0)]], device float* out [[buffer(1)]],
                    uint gid [[thread_position_in_grid]]) {
  const float2 a = float2(in[0], in[1]);
  const float4 b = float4(a, in[2], in[3]);
  const float3 c = b.xyz * 2.0f + float3(1.0f);
  const uint4 d = uint4(b);
  const half h = half(in[0]) * 2.0h;
  device float* y = out + 10u * gid;
  y[0] = dot(b, b);
  y[1] = exp(c).z;
  y[2] = max(b, float4(a.yx, a)).w;
  y[3] = float(d.x + d.w);
  y[4] = any(a > 2.0f) ? 1.0f : 0.0f;
  y[5] = all(b > 0.0f) ? 1.0f : 0.0f;
  y[6] = float(h);
  y[7] = c[gid % 3u];
  y[8] = length(float2(3.0f, 4.0f));
  y[9] = fma(a, a, a).y;
}
