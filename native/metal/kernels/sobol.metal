// Sobol points, scrambled by the method of Owen through hashing, and their normals: those of the CPU in f32.
#include <metal_stdlib>
using namespace metal;

namespace sobol {

constant constexpr float kCell = 2.3283064365386963e-10f;  // 2^-32
constant constexpr float kUlp = 5.9604644775390625e-8f;    // 2^-24

struct Params {
  uint dimensions;
  uint points;
  uint first_point;
  uint first;  // points before the first one of this run
  uint count;
  uint scrambled;
  uint normal;
};

// Laine, Karras 2011 as hashed by Burley 2020, Practical hash-based Owen scrambling.
inline uint Scramble(uint word, uint seed) {
  uint x = reverse_bits(word) + seed;
  x ^= x * 0x6C50B47Cu;
  x ^= x * 0xB82F1E52u;
  x ^= x * 0xC7AFE638u;
  x ^= x * 0x8D22F6E6u;
  return reverse_bits(x);
}

// The centre of the cell that a word numbers, rounded once; rounding must not reach 1.
inline float Centre(uint word) {
  const float low = (float(word & 255u) + 0.5f) * kCell;
  return fmin(fma(float(word >> 8), kUlp, low), 1.0f - kUlp);
}

constant constexpr float kA[] = {3.3871327179E+00f, 5.0434271938E+01f, 1.5929113202E+02f, 5.9109374720E+01f};
constant constexpr float kB[] = {1.0f, 1.7895169469E+01f, 7.8757757664E+01f, 6.7187563600E+01f};
constant constexpr float kC[] = {1.4234372777E+00f, 2.7568153900E+00f, 1.3067284816E+00f, 1.7023821103E-01f};
constant constexpr float kD[] = {1.0f, 7.3700164250E-01f, 1.2021132975E-01f};

// The normal at the centre of a cell: Wichura 1988, AS 241, PPND7.
inline float Normal(uint word) {
  const float centre = (float(as_type<int>(word ^ 0x80000000u)) + 0.5f) * kCell;
  if (fabs(centre) <= 0.425f) {
    const float r = fma(-centre, centre, 0.180625f);
    return centre * draws::Polynomial(r, kA) / draws::Polynomial(r, kB);
  }
  // The distance to the nearer end, which is exact where it is small.
  const uint end = (word >> 31) != 0 ? ~word : word;
  const float tail = (float(end) + 0.5f) * kCell;
  const float r = precise::sqrt(-montecarlo::Log(tail)) - 1.6f;
  const float far = draws::Polynomial(r, kC) / draws::Polynomial(r, kD);
  return centre < 0.0f ? -far : far;
}

}  // namespace sobol

// Points [points, dimensions]: place.x is the dimension, place.y the point. Direction numbers are
// [bit][dimension].
kernel void sobol_f32(constant sobol::Params& p [[buffer(0)]], device const uint* directions [[buffer(1)]],
                      device const uint* scrambles [[buffer(2)]], device float* out [[buffer(3)]],
                      uint2 place [[thread_position_in_grid]]) {
  if (place.x >= p.dimensions || place.y >= p.count) return;
  const uint point = p.first + place.y;
  uint word = 0;
  uint bit = 0;
  for (uint index = p.first_point + point; index != 0; index >>= 1) {
    if ((index & 1u) != 0) word ^= directions[bit * p.dimensions + place.x];
    ++bit;
  }
  if (p.scrambled != 0) word = sobol::Scramble(word, scrambles[place.x]);
  out[ulong(point) * p.dimensions + place.x] = p.normal != 0 ? sobol::Normal(word) : sobol::Centre(word);
}
