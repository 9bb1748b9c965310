// Philox4x32 over lanes: consecutive counters side by side. Include inside foreach_target.
#if defined(NAUTILUS_CPU_RANDOM_PHILOX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_RANDOM_PHILOX_INL_H_
#undef NAUTILUS_CPU_RANDOM_PHILOX_INL_H_
#else
#define NAUTILUS_CPU_RANDOM_PHILOX_INL_H_
#endif

#include "cpu/random/philox.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The counters {first + lane, block, stream, 0} of one vector of 64-bit lanes, ready to run through blocks.
// Words live in the low half of a lane; the upper half is whatever the multiplication left there, which the
// next one ignores.
template <class D64, int kRounds>
class PhiloxLanes {
 public:
  using V64 = hn::Vec<D64>;
  static_assert(kRounds >= 4 && kRounds <= kPhiloxMaxRounds);

  HWY_INLINE PhiloxLanes(const PhiloxKeys& keys, uint32_t stream, uint64_t first) {
    const D64 d;
    m0_ = hn::Set(d, uint64_t{kPhiloxM0});
    m1_ = hn::Set(d, uint64_t{kPhiloxM1});
    const V64 c0 = hn::Iota(d, first);
    const V64 p0 = Product(m0_, c0);
    const V64 a2 = hn::Xor(hn::ShiftRight<32>(p0), hn::Set(d, keys.k1[0]));
    const V64 q1 = Product(m1_, a2);
    const auto a1 = static_cast<uint32_t>(WideProduct(kPhiloxM1, stream));
    const V64 b0 = hn::Xor(hn::ShiftRight<32>(q1), hn::Set(d, a1 ^ keys.k0[1]));
    const V64 r0 = Product(m0_, b0);
    low_first_ = p0;
    low_second_ = hn::Xor(q1, hn::Set(d, keys.k0[2]));
    low_third_ = r0;
    high_third_ = hn::ShiftRight<32>(r0);
    for (int round = 3; round < kRounds; ++round) {
      const int shift = round == kRounds - 1 ? 32 : 0;
      k0_[round] = hn::Set(d, uint64_t{keys.k0[round]} << shift);
      k1_[round] = hn::Set(d, uint64_t{keys.k1[round]} << shift);
    }
  }

  // Writes words 1 (low half) and 0 (high half) of each counter to `one`, words 3 and 2 to `two`.
  HWY_INLINE void Block(const PhiloxStep& step, V64& one, V64& two) const {
    const D64 d;
    const V64 p = Product(m1_, hn::Xor(low_first_, hn::Set(d, step.second)));
    V64 x0 = hn::Xor(hn::ShiftRight<32>(p), low_second_);
    V64 x1 = p;
    V64 x2 = hn::Xor(high_third_, hn::Set(d, step.third));
    V64 x3 = low_third_;
    HWY_UNROLL(8)
    for (int round = 3; round < kRounds - 1; ++round) {
      const V64 p0 = Product(m0_, x0);
      const V64 p1 = Product(m1_, x2);
      x0 = hn::Xor3(hn::ShiftRight<32>(p1), x1, k0_[round]);
      x2 = hn::Xor3(hn::ShiftRight<32>(p0), x3, k1_[round]);
      x1 = p1;
      x3 = p0;
    }
    // The last round leaves both halves of a lane filled.
    one = hn::Xor3(Product(m1_, x2), hn::ShiftLeft<32>(x1), k0_[kRounds - 1]);
    two = hn::Xor3(Product(m0_, x0), hn::ShiftLeft<32>(x3), k1_[kRounds - 1]);
  }

 private:
  // Multiplies the low halves.
  static HWY_INLINE V64 Product(V64 m, V64 x) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Set(D64(), hn::GetLane(m) * (hn::GetLane(x) & 0xFFFFFFFFu));
#else
    const hn::Repartition<uint32_t, D64> d32;
    return hn::MulEven(hn::BitCast(d32, m), hn::BitCast(d32, x));
#endif
  }

  V64 m0_, m1_;
  V64 low_first_, low_second_, low_third_, high_third_;
  V64 k0_[kPhiloxMaxRounds], k1_[kPhiloxMaxRounds];
};

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_RANDOM_PHILOX_INL_H_
