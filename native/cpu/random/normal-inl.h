// Pairs of standard normals from pairs of random words by Box and Muller 1958. Include inside foreach_target.
#if defined(NAUTILUS_CPU_RANDOM_NORMAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_RANDOM_NORMAL_INL_H_
#undef NAUTILUS_CPU_RANDOM_NORMAL_INL_H_
#else
#define NAUTILUS_CPU_RANDOM_NORMAL_INL_H_
#endif

#include "cpu/random/inverse-inl.h"
#include "cpu/random/philox-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// float / 31-bit radius, so that |z| reaches 6.66; 24-bit angle, on a grid that is symmetric about 0 / error
// below 3e-7 relative to the radius. The polynomials are minimax fits: -2 log(1 - t) / t on (0, 1/2] (2e-8),
// sine (7e-9) and cosine (5e-8) of a quarter turn in the square of x.
template <class D>
requires(sizeof(hn::TFromD<D>) == 4) HWY_INLINE
    void BoxMuller(D d, hn::Vec<hn::RebindToUnsigned<D>> radius_word,
                   hn::Vec<hn::RebindToUnsigned<D>> angle_word, hn::Vec<D>& one, hn::Vec<D>& two) {
  using V = hn::Vec<D>;
  const hn::RebindToUnsigned<D> du;
  static constexpr float kLog[] = {2.0000000454589954f, 0.9999857051470633f,  0.6674012277378215f,
                                   0.4856101826116392f, 0.5392253287073695f,  -0.4070772225316602f,
                                   2.515338146588031f,  -3.3916223896614387f, 2.8822151591656450f};
  static constexpr float kSin[] = {1.5707963200920257f, -0.6459637612916335f, 0.0796899268670855f,
                                   -0.0046741574967654f, 0.00015167853215858f};
  static constexpr float kCos[] = {0.9999999534668802f, -1.2336982146721372f, 0.2536507446447672f,
                                   -0.0208106275273513f, 0.00085819062096095f};
  // u 2^32 = v 2^exponent with v in [1/2, 1): -2 log u = -2 log(1 - t) + 2 log(2) (32 - exponent).
  const auto bits = hn::BitCast(du, hn::ConvertTo(d, hn::Or(radius_word, hn::Set(du, 1u))));
  // The exponent's bits below the point of 2^23 make a float without a conversion.
  const V exponent = hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<23>(bits), hn::Set(du, 0x4B000000u))),
                             hn::Set(d, 8388608.0f + 158.0f));
  const V v = hn::BitCast(d, hn::OrAnd(hn::Set(du, 0x3F000000u), bits, hn::Set(du, 0x007FFFFFu)));
  const V t = hn::Sub(hn::Set(d, 1.0f), v);
  const V square = hn::MulAdd(t, Polynomial(d, t, kLog), hn::Mul(exponent, hn::Set(d, -1.3862943611198906f)));
  // A word that rounds to 2^32 leaves the rounding error of the fit here, which may be below 0.
  const V radius = hn::Sqrt(hn::Max(square, hn::Zero(d)));
  // Half a turn from 23 bits; the sign on the radius turns it by the other half.
  const V x =
      hn::Sub(hn::BitCast(d, hn::OrAnd(hn::Set(du, 0x40000000u), angle_word, hn::Set(du, 0x007FFFFFu))),
              hn::Set(d, 3.0f));
  const V signed_radius =
      hn::BitCast(d, hn::OrAnd(hn::BitCast(du, radius), angle_word, hn::Set(du, 0x80000000u)));
  const V xx = hn::Mul(x, x);
  one = hn::Mul(signed_radius, Polynomial(d, xx, kCos));
  two = hn::Mul(signed_radius, hn::Mul(x, Polynomial(d, xx, kSin)));
}

// double / 52-bit radius, so that |z| reaches 8.57; 52-bit angle / error below 1e-15 relative to the radius.
// The logarithm is 2 artanh(f / (2 + f)) with v = 1 + f in [sqrt(1/2), sqrt(2)).
template <class D>
requires(sizeof(hn::TFromD<D>) == 8) HWY_INLINE
    void BoxMuller(D d, hn::Vec<hn::RebindToUnsigned<D>> radius_word,
                   hn::Vec<hn::RebindToUnsigned<D>> angle_word, hn::Vec<D>& one, hn::Vec<D>& two) {
  using V = hn::Vec<D>;
  const hn::RebindToUnsigned<D> du;
  static constexpr double kArtanh[] = {2.0 / 3,  2.0 / 5,  2.0 / 7,  2.0 / 9,
                                       2.0 / 11, 2.0 / 13, 2.0 / 15, 2.0 / 17};
  static constexpr double kSin[] = {1.5707963267948966192,     -0.64596409750624625356,
                                    0.079692626246167041966,   -0.0046817541353186476999,
                                    0.00016044118478709705287, -3.5988432342303172814e-6,
                                    5.6921726986075639983e-8,  -6.6880036450179613705e-10,
                                    6.064254714977995533e-12,  -4.2502961496955272858e-14};
  static constexpr double kCos[] = {1.0,
                                    -1.2337005501361698261,
                                    0.25366950790104797157,
                                    -0.020863480763352422056,
                                    0.00091926027483592186776,
                                    -0.000025202042359965169342,
                                    4.710874480856407357e-7,
                                    -6.3865611038568961639e-9,
                                    6.5623853032513770031e-11,
                                    -5.1251494484636422157e-13};
  // An odd number below 2^53 converts exactly and is never the 2^53 whose logarithm would be 0.
  const auto odd = hn::Or(hn::ShiftRight<11>(radius_word), hn::Set(du, uint64_t{1}));
  const auto bits = hn::BitCast(du, hn::ConvertTo(d, odd));
  const auto above_root = hn::Add(bits, hn::Set(du, 0x3FF0000000000000u - 0x3FE6A09E667F3BCDu));
  // The exponent's bits below the point of 2^52 make a double without a conversion.
  const V exponent =
      hn::Sub(hn::BitCast(d, hn::Or(hn::ShiftRight<52>(above_root), hn::Set(du, 0x4330000000000000u))),
              hn::Set(d, 4503599627370496.0 + 1023 + 53));
  const V v = hn::BitCast(d, hn::Add(hn::And(above_root, hn::Set(du, 0x000FFFFFFFFFFFFFu)),
                                     hn::Set(du, uint64_t{0x3FE6A09E667F3BCD})));
  const V f = hn::Sub(v, hn::Set(d, 1.0));
  const V s = hn::Div(f, hn::Add(v, hn::Set(d, 1.0)));
  const V ss = hn::Mul(s, s);
  const V log_v = hn::Mul(s, hn::MulAdd(ss, Polynomial(d, ss, kArtanh), hn::Set(d, 2.0)));
  const V log_u = hn::MulAdd(exponent, hn::Set(d, 0.69314718055994530942), log_v);
  const V radius = hn::Sqrt(hn::Max(hn::Mul(log_u, hn::Set(d, -2.0)), hn::Zero(d)));
  const V x = hn::Sub(hn::BitCast(d, hn::OrAnd(hn::Set(du, 0x4000000000000000u), angle_word,
                                               hn::Set(du, 0x000FFFFFFFFFFFFFu))),
                      hn::Set(d, 3.0));
  const V signed_radius =
      hn::BitCast(d, hn::OrAnd(hn::BitCast(du, radius), angle_word, hn::Set(du, 0x8000000000000000u)));
  const V xx = hn::Mul(x, x);
  one = hn::Mul(signed_radius, Polynomial(d, xx, kCos));
  two = hn::Mul(signed_radius, hn::Mul(x, Polynomial(d, xx, kSin)));
}

// Two normals a call for each lane; in f32 one counter serves the two neighbouring paths of a 64-bit lane,
// the first one with its words 1 and 3, the second one with 0 and 2.
template <class D, int kRounds>
class PhiloxNormals {
 public:
  using V = hn::Vec<D>;

  // `path` is that of the first lane: a multiple of the number of lanes.
  HWY_INLINE PhiloxNormals(D, const PhiloxKeys& keys, uint32_t stream, int64_t path)
      : lanes_(keys, stream, static_cast<uint64_t>(path) / kPathsPerCounter), odd_(path % kPathsPerCounter) {}

  HWY_INLINE void Pair(const PhiloxStep& step, V& one, V& two) const {
    hn::Vec<D64> first, second;
    lanes_.Block(step, first, second);
    BoxMuller(D(), Words(first), Words(second), one, two);
  }

 private:
  using DU = hn::RebindToUnsigned<D>;
#if HWY_TARGET == HWY_SCALAR
  using D64 = hn::Rebind<uint64_t, D>;
  HWY_INLINE hn::Vec<DU> Words(hn::Vec<D64> both) const {
    return hn::Set(DU(), static_cast<hn::TFromD<DU>>(hn::GetLane(both) >> (odd_ * 32)));
  }
#else
  using D64 = hn::Repartition<uint64_t, D>;
  HWY_INLINE hn::Vec<DU> Words(hn::Vec<D64> both) const { return hn::BitCast(DU(), both); }
#endif
  static constexpr int64_t kPathsPerCounter = sizeof(uint64_t) / sizeof(hn::TFromD<D>);
  PhiloxLanes<D64, kRounds> lanes_;
  [[maybe_unused]] int64_t odd_;
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_RANDOM_NORMAL_INL_H_
