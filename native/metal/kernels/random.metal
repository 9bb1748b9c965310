// Random numbers: Philox integers, and the normals of paths and dimensions that the CPU draws in f32, to the
// bit.
#include <metal_stdlib>
using namespace metal;

namespace draws {

// A polynomial of x by Horner's rule.
template <uint kTerms>
inline float Polynomial(float x, constant const float (&c)[kTerms]) {
  float sum = c[kTerms - 1];
  for (uint i = kTerms - 1; i-- > 0;) sum = fma(sum, x, c[i]);
  return sum;
}

inline void PhiloxRound(thread uint4& c, uint k0, uint k1) {
  const uint high0 = mulhi(0xD2511F53u, c.x);
  const uint low0 = 0xD2511F53u * c.x;
  const uint high1 = mulhi(0xCD9E8D57u, c.z);
  const uint low1 = 0xCD9E8D57u * c.z;
  c = uint4(high1 ^ c.y ^ k0, low1, high0 ^ c.w ^ k1, low0);
}

// Salmon, Moraes, Dror, Shaw 2011, Parallel random numbers: as easy as 1, 2, 3. Seven rounds or ten.
inline uint4 Philox(uint4 counter, uint key0, uint key1, uint rounds) {
  uint4 c = counter;
  for (uint round = 0; round < 7; ++round)
    PhiloxRound(c, key0 + round * 0x9E3779B9u, key1 + round * 0xBB67AE85u);
  if (rounds == 10)
    for (uint round = 7; round < 10; ++round)
      PhiloxRound(c, key0 + round * 0x9E3779B9u, key1 + round * 0xBB67AE85u);
  return c;
}

// As in native/cpu/random/normal-inl.h: minimax fits of -2 log(1 - t) / t on (0, 1/2], sine and cosine of a
// quarter turn.
constant constexpr float kLog[] = {2.0000000454589954f, 0.9999857051470633f,  0.6674012277378215f,
                                   0.4856101826116392f, 0.5392253287073695f,  -0.4070772225316602f,
                                   2.515338146588031f,  -3.3916223896614387f, 2.8822151591656450f};
constant constexpr float kSin[] = {1.5707963200920257f, -0.6459637612916335f, 0.0796899268670855f,
                                   -0.0046741574967654f, 0.00015167853215858f};
constant constexpr float kCos[] = {0.9999999534668802f, -1.2336982146721372f, 0.2536507446447672f,
                                   -0.0208106275273513f, 0.00085819062096095f};

// Two normals of two words; Box, Muller 1958.
inline float2 BoxMuller(uint radius_word, uint angle_word) {
  // u 2^32 = v 2^exponent with v in [1/2, 1): -2 log u = -2 log(1 - t) + 2 log(2) (32 - exponent).
  const uint bits = as_type<uint>(float(radius_word | 1u));
  const float exponent = as_type<float>((bits >> 23) | 0x4B000000u) - (8388608.0f + 158.0f);
  const float t = 1.0f - as_type<float>(0x3F000000u | (bits & 0x007FFFFFu));
  const float square = fma(t, Polynomial(t, kLog), exponent * -1.3862943611198906f);
  const float radius = precise::sqrt(fmax(square, 0.0f));
  // Half a turn from 23 bits; the sign on the radius turns it by the other half.
  const float x = as_type<float>(0x40000000u | (angle_word & 0x007FFFFFu)) - 3.0f;
  const float signed_radius = as_type<float>(as_type<uint>(radius) | (angle_word & 0x80000000u));
  const float xx = x * x;
  return float2(signed_radius * Polynomial(xx, kCos), signed_radius * (x * Polynomial(xx, kSin)));
}

// The normals of two neighbouring paths, dimension by dimension: one counter serves both.
struct Normals {
  uint4 counter;
  uint key0;
  uint key1;
  uint rounds;
  bool has_spare;
  float2 spare;  // of either path, for the odd dimension

  void Start(uint first_key, uint second_key, uint philox_rounds, uint stream, uint pair) thread {
    counter = uint4(pair, 0u, stream, 0u);
    key0 = first_key;
    key1 = second_key;
    rounds = philox_rounds;
    has_spare = false;
    spare = float2(0.0f, 0.0f);
  }

  // Sets the normals of two dimensions of the even path and of the odd one.
  void Block(thread float2& even_path, thread float2& odd_path) thread {
    const uint4 words = Philox(counter, key0, key1, rounds);
    ++counter.y;
    even_path = BoxMuller(words.y, words.w);
    odd_path = BoxMuller(words.x, words.z);
  }

  // Returns the normals of the next dimension: that of the even path first.
  float2 Next() thread {
    if (has_spare) {
      has_spare = false;
      return spare;
    }
    float2 even_path;
    float2 odd_path;
    Block(even_path, odd_path);
    has_spare = true;
    spare = float2(even_path.y, odd_path.y);
    return float2(even_path.x, odd_path.x);
  }
};

// The normals of one path, dimension by dimension, where neighbouring threads have neighbouring paths.
struct PathNormals {
  uint4 counter;
  uint key0;
  uint key1;
  uint rounds;
  bool is_odd;
  bool has_spare;
  float spare;

  void Start(uint first_key, uint second_key, uint philox_rounds, uint stream, uint path) thread {
    counter = uint4(path / 2, 0u, stream, 0u);
    key0 = first_key;
    key1 = second_key;
    rounds = philox_rounds;
    is_odd = path % 2 == 1;
    has_spare = false;
    spare = 0.0f;
  }
  float Next() thread {
    if (has_spare) {
      has_spare = false;
      return spare;
    }
    const uint4 words = Philox(counter, key0, key1, rounds);
    ++counter.y;
    const float2 both = BoxMuller(is_odd ? words.x : words.y, is_odd ? words.z : words.w);
    has_spare = true;
    spare = both.y;
    return both.x;
  }
};

struct PhiloxParams {
  uint key0;
  uint key1;
  uint rounds;
  uint stream;
  uint low;  // of the first counter of the call
  uint high;
  uint first;  // counters before the first one of this run
  uint count;
};

struct NormalsParams {
  uint key0;
  uint key1;
  uint rounds;
  uint stream;
  uint dimensions;
  uint paths;
  uint first;  // blocks of two dimensions before the first one of this run
  uint blocks;
};

}  // namespace draws

// The four words of consecutive counters.
kernel void philox_uint32_f32(constant draws::PhiloxParams& p [[buffer(0)]], device uint4* out [[buffer(1)]],
                              uint place [[thread_position_in_grid]]) {
  if (place >= p.count) return;
  const ulong row = ulong(p.first) + place;
  const ulong counter = ((ulong(p.high) << 32) | p.low) + row;
  out[row] = draws::Philox(uint4(uint(counter), uint(counter >> 32), p.stream, 0u), p.key0, p.key1, p.rounds);
}

// Normals [dimensions, paths]: place.x is a pair of paths, place.y a pair of dimensions.
kernel void normals_f32(constant draws::NormalsParams& p [[buffer(0)]], device float* out [[buffer(1)]],
                        uint2 place [[thread_position_in_grid]]) {
  if (place.x >= (p.paths + 1) / 2 || place.y >= p.blocks) return;
  const uint block = p.first + place.y;
  const uint4 words = draws::Philox(uint4(place.x, block, p.stream, 0u), p.key0, p.key1, p.rounds);
  const float2 even_path = draws::BoxMuller(words.y, words.w);
  const float2 odd_path = draws::BoxMuller(words.x, words.z);
  const bool has_odd = 2 * place.x + 1 < p.paths;
  device float* to = out + ulong(2 * block) * p.paths + 2 * place.x;
  to[0] = even_path.x;
  if (has_odd) to[1] = odd_path.x;
  if (2 * block + 1 >= p.dimensions) return;
  to[p.paths] = even_path.y;
  if (has_odd) to[p.paths + 1] = odd_path.y;
}
