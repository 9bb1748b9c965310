// Sobol points, their scrambling and their normals for every SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/random/sobol.cc"
// clang-format off: foreach_target.h must come before highway.h
#include "hwy/foreach_target.h"
// clang-format on
#include "cpu/random/inverse-inl.h"
#include "cpu/random/philox.h"
#include "cpu/random/sobol.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
HWY_INLINE V ReverseBits(D d, V x) {
  const auto swap = [d](V v, auto kShift, uint32_t mask) HWY_ATTR {
    constexpr int kBits = decltype(kShift)::value;
    const V low = hn::Set(d, mask);
    return hn::Or(hn::And(hn::ShiftRight<kBits>(v), low), hn::ShiftLeft<kBits>(hn::And(v, low)));
  };
  x = swap(x, std::integral_constant<int, 1>(), 0x55555555u);
  x = swap(x, std::integral_constant<int, 2>(), 0x33333333u);
  x = swap(x, std::integral_constant<int, 4>(), 0x0F0F0F0Fu);
  x = swap(x, std::integral_constant<int, 8>(), 0x00FF00FFu);
  return hn::Or(hn::ShiftRight<16>(x), hn::ShiftLeft<16>(x));
}

void Points(const uint32_t* directions, uint32_t first, bool scrambled, uint32_t scramble, uint32_t* out) {
  // Bits below the tile's size number its points, bits above are the same for all of them.
  uint32_t common = 0;
  for (uint32_t index = first, bit = 0; index != 0; index >>= 1, ++bit) {
    if (index & 1) common ^= directions[bit];
  }
  out[0] = common;
  for (uint32_t bit = 0, known = 1; known < kSobolTile; ++bit, known *= 2) {
    for (uint32_t i = 0; i < known; ++i) out[known + i] = out[i] ^ directions[bit];
  }
  if (!scrambled) return;
  const hn::ScalableTag<uint32_t> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto mix = [d](auto x, uint32_t by) HWY_ATTR { return hn::Xor(x, hn::Mul(x, hn::Set(d, by))); };
  for (int64_t i = 0; i < kSobolTile; i += lanes) {
    auto x = hn::Add(ReverseBits(d, hn::LoadU(d, out + i)), hn::Set(d, scramble));
    x = mix(mix(mix(mix(x, 0x6C50B47Cu), 0xB82F1E52u), 0xC7AFE638u), 0x8D22F6E6u);
    hn::StoreU(ReverseBits(d, x), d, out + i);
  }
}

template <class D>
HWY_INLINE void NormalsF32Of(D d, const uint32_t* words, int64_t i, float* out) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto unit = hn::Set(d, 0x1p-32f);
  const auto half = hn::Set(d, 0.5f);
  const auto word = hn::LoadU(du, words + i);
  const auto from_half = hn::BitCast(di, hn::Xor(word, hn::Set(du, 0x80000000u)));
  const auto centre = hn::Mul(hn::Add(hn::ConvertTo(d, from_half), half), unit);
  // The distance to the nearer end, which is exact where it is small.
  const auto end = hn::BitCast(
      di,
      hn::IfVecThenElse(hn::BitCast(du, hn::BroadcastSignBit(hn::BitCast(di, word))), hn::Not(word), word));
  const auto tail = hn::Mul(hn::Add(hn::ConvertTo(d, end), half), unit);
  hn::StoreU(InverseNormal(d, centre, tail), d, out + i);
}

template <class D>
HWY_INLINE void NormalsF64Of(D d, const uint32_t* words, int64_t i, double* out) {
  const hn::Rebind<uint32_t, D> du;
  const hn::Rebind<int32_t, D> di;
  const auto from_half = hn::BitCast(di, hn::Xor(hn::LoadU(du, words + i), hn::Set(du, 0x80000000u)));
  const auto centre = hn::Mul(hn::Add(hn::PromoteTo(d, from_half), hn::Set(d, 0.5)), hn::Set(d, 0x1p-32));
  hn::StoreU(InverseNormal(d, centre, hn::Sub(hn::Set(d, 0.5), hn::Abs(centre))), d, out + i);
}

void NormalsF32(const uint32_t* words, int64_t count, float* out) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) NormalsF32Of(d, words, i, out);
  for (; i < count; ++i) NormalsF32Of(hn::CappedTag<float, 1>(), words, i, out);
}

void NormalsF64(const uint32_t* words, int64_t count, double* out) {
  const hn::ScalableTag<double> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) NormalsF64Of(d, words, i, out);
  for (; i < count; ++i) NormalsF64Of(hn::CappedTag<double, 1>(), words, i, out);
}

// rows [points][width]: W = left_weight left + right_weight right + deviation z.
template <typename T>
HWY_INLINE void BridgeRow(const BridgePoint& point, const T* left, const T* right, const T* z, T* to) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto left_weight = hn::Set(d, static_cast<T>(point.left_weight));
  const auto right_weight = hn::Set(d, static_cast<T>(point.right_weight));
  const auto deviation = hn::Set(d, static_cast<T>(point.deviation));
  for (int64_t i = 0; i < kSobolTile; i += lanes) {
    auto sum = hn::Mul(deviation, hn::LoadU(d, z + i));
    if (left != nullptr) sum = hn::MulAdd(left_weight, hn::LoadU(d, left + i), sum);
    if (right != nullptr) sum = hn::MulAdd(right_weight, hn::LoadU(d, right + i), sum);
    hn::StoreU(sum, d, to + i);
  }
}

void BridgeRowF32(const BridgePoint& point, const float* left, const float* right, const float* z,
                  float* to) {
  BridgeRow(point, left, right, z, to);
}
void BridgeRowF64(const BridgePoint& point, const double* left, const double* right, const double* z,
                  double* to) {
  BridgeRow(point, left, right, z, to);
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu {

HWY_EXPORT(Points);
HWY_EXPORT(NormalsF32);
HWY_EXPORT(NormalsF64);
HWY_EXPORT(BridgeRowF32);
HWY_EXPORT(BridgeRowF64);

SobolDirections::SobolDirections(int64_t dimensions) : words_(static_cast<size_t>(dimensions) * 32) {
  const uint16_t* next = kJoeKuo;
  for (int64_t dimension = 0; dimension < dimensions; ++dimension) {
    uint32_t* v = words_.data() + dimension * 32;
    if (dimension == 0) {
      for (uint32_t bit = 0; bit < 32; ++bit) v[bit] = 0x80000000u >> bit;
      continue;
    }
    const uint32_t polynomial = *next++;
    uint32_t degree = 0;
    while (polynomial >> (degree + 1) != 0) ++degree;
    for (uint32_t bit = 0; bit < degree; ++bit) v[bit] = uint32_t{*next++} << (31 - bit);
    for (uint32_t bit = degree; bit < 32; ++bit) {
      v[bit] = v[bit - degree] ^ (v[bit - degree] >> degree);
      for (uint32_t i = 1; i < degree; ++i) {
        if (polynomial >> (degree - i) & 1) v[bit] ^= v[bit - i];
      }
    }
  }
}

uint32_t SobolScramble(uint64_t seed, int64_t copy, int64_t dimension) {
  constexpr uint32_t kStream = 0x50B01;  // apart from the streams of simulations
  return Philox({static_cast<uint32_t>(dimension), static_cast<uint32_t>(copy), kStream, 0}, PhiloxKeys(seed),
                10)[0];
}

void SobolTile(const uint32_t* directions, uint32_t first, bool scrambled, uint32_t scramble, uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(Points)(directions, first, scrambled, scramble, out);
}

void NormalsOfWords(const uint32_t* words, int64_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(NormalsF32)(words, count, out);
}
void NormalsOfWords(const uint32_t* words, int64_t count, double* out) {
  HWY_DYNAMIC_DISPATCH(NormalsF64)(words, count, out);
}

template <typename T>
void SobolPaths<T>::Prepare(int64_t steps, int64_t factors, uint64_t seed) {
  steps_ = steps;
  factors_ = factors;
  seed_ = seed;
  directions_ = SobolDirections(steps * factors);
  bridge_ = Bridge(steps);
}

template <typename T>
void SobolPaths<T>::FillTile(int64_t copy, int64_t first, T* rows) const {
  alignas(64) uint32_t words[kSobolTile];
  alignas(64) T z[kSobolTile];
  const int64_t stride = factors_ * kSobolTile;
  for (int64_t factor = 0; factor < factors_; ++factor) {
    T* const base = rows + factor * kSobolTile;
    // Point p of the bridge is kept in the row of step p - 1 and becomes an increment at the end.
    const auto row = [&](int64_t point) { return point == 0 ? nullptr : base + (point - 1) * stride; };
    int64_t level = 0;
    for (const BridgePoint& point : bridge_.points()) {
      const int64_t dimension = level++ * factors_ + factor;
      SobolTile(directions_.Of(dimension), static_cast<uint32_t>(first), true,
                SobolScramble(seed_, copy, dimension), words);
      NormalsOfWords(words, kSobolTile, z);
      if constexpr (sizeof(T) == 4) {
        HWY_DYNAMIC_DISPATCH(BridgeRowF32)(point, row(point.left), row(point.right), z, row(point.at));
      } else {
        HWY_DYNAMIC_DISPATCH(BridgeRowF64)(point, row(point.left), row(point.right), z, row(point.at));
      }
    }
    for (int64_t step = steps_ - 1; step > 0; --step) {
      T* to = base + step * stride;
      for (int64_t i = 0; i < kSobolTile; ++i) to[i] -= to[i - stride];
    }
  }
}

template class SobolPaths<float>;
template class SobolPaths<double>;

}  // namespace nautilus::cpu
#endif  // HWY_ONCE
