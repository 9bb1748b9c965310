// What measures the machine: the STREAM triad and chains of fused multiply-adds. Include inside
// foreach_target.
#if defined(NAUTILUS_CPU_SYSTEM_PROBES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_SYSTEM_PROBES_INL_H_
#undef NAUTILUS_CPU_SYSTEM_PROBES_INL_H_
#else
#define NAUTILUS_CPU_SYSTEM_PROBES_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "core/kernel_args.h"
#include "core/parallel.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements of one chunk: whole pages, and enough for the prefetchers.
inline constexpr int64_t kTriadGrain = int64_t{1} << 16;
// From this many bytes of output on, writing past the caches spares reading each line before it is replaced.
inline constexpr int64_t kStreamFromBytes = int64_t{1} << 25;

// float, double / same bits as the scalar reference / any input. Stores past the caches need aligned lines,
// so the elements before the first one are written plainly, as are those after the last.
template <typename T>
void TriadRange(const T* HWY_RESTRICT b, const T* HWY_RESTRICT c, T scalar, T* HWY_RESTRICT out,
                int64_t first, int64_t last, bool stream) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto factor = hn::Set(d, scalar);
  const auto one = [&](int64_t at) HWY_ATTR { out[at] = b[at] + scalar * c[at]; };
  const auto next = [&](int64_t at) HWY_ATTR {
    return hn::Add(hn::LoadU(d, b + at), hn::Mul(factor, hn::LoadU(d, c + at)));
  };
  int64_t at = first;
  if (stream) {
    const auto bytes = static_cast<uintptr_t>(lanes) * sizeof(T);
    while (at < last && reinterpret_cast<uintptr_t>(out + at) % bytes != 0) one(at++);
    for (; at + lanes <= last; at += lanes) hn::Stream(next(at), d, out + at);
  } else {
    for (; at + lanes <= last; at += lanes) hn::StoreU(next(at), d, out + at);
  }
  while (at < last) one(at++);
}

template <typename T>
void TriadAll(const TriadArgs& args) {
  const bool stream = args.length * static_cast<int64_t>(sizeof(T)) >= kStreamFromBytes;
  ParallelRanges(args.length, kTriadGrain, [&](int64_t first, int64_t last) HWY_ATTR {
    if (args.Cancelled()) return;
    TriadRange(static_cast<const T*>(args.b), static_cast<const T*>(args.c), static_cast<T>(args.scalar),
               static_cast<T*>(args.out), first, last, stream);
    // The stores past the caches are ordered before whoever reads the result.
    if (stream) hwy::FlushStream();
  });
}

// Steps of all chains together in one round.
inline constexpr int64_t kStepsOfRound = int64_t{1} << 20;

// float, double / the fixed point but for rounding / |scale| <= 0.5. Sixteen chains cover a latency of four
// cycles at two or four instructions a cycle, and fit in the registers of every target but the oldest.
template <typename T>
T FmaRound(T scale, T shift) {
  const hn::ScalableTag<T> d;
  const auto m = hn::Set(d, scale);
  const auto a = hn::Set(d, shift);
  // Each chain starts elsewhere: chains that are the same would be computed once.
  const auto start = [&](int chain) HWY_ATTR { return hn::Set(d, T{1} + static_cast<T>(chain) / T{16}); };
  auto x0 = start(0), x1 = start(1), x2 = start(2), x3 = start(3), x4 = start(4), x5 = start(5);
  auto x6 = start(6), x7 = start(7), x8 = start(8), x9 = start(9), x10 = start(10), x11 = start(11);
  auto x12 = start(12), x13 = start(13), x14 = start(14), x15 = start(15);
  const int64_t steps = kStepsOfRound / (16 * static_cast<int64_t>(hn::Lanes(d)));
  for (int64_t i = 0; i < steps; ++i) {
    x0 = hn::MulAdd(x0, m, a), x1 = hn::MulAdd(x1, m, a), x2 = hn::MulAdd(x2, m, a),
    x3 = hn::MulAdd(x3, m, a);
    x4 = hn::MulAdd(x4, m, a), x5 = hn::MulAdd(x5, m, a), x6 = hn::MulAdd(x6, m, a),
    x7 = hn::MulAdd(x7, m, a);
    x8 = hn::MulAdd(x8, m, a), x9 = hn::MulAdd(x9, m, a), x10 = hn::MulAdd(x10, m, a),
    x11 = hn::MulAdd(x11, m, a);
    x12 = hn::MulAdd(x12, m, a), x13 = hn::MulAdd(x13, m, a), x14 = hn::MulAdd(x14, m, a),
    x15 = hn::MulAdd(x15, m, a);
  }
  const auto low =
      hn::Add(hn::Add(hn::Add(x0, x1), hn::Add(x2, x3)), hn::Add(hn::Add(x4, x5), hn::Add(x6, x7)));
  const auto high =
      hn::Add(hn::Add(hn::Add(x8, x9), hn::Add(x10, x11)), hn::Add(hn::Add(x12, x13), hn::Add(x14, x15)));
  const T chains = static_cast<T>(16 * hn::Lanes(d));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high))) / chains;
}

template <typename T>
void FmaAll(const FmaChainsArgs& args) {
  T* out = static_cast<T*>(args.out);
  ParallelFor(args.rounds, [&](int64_t round) HWY_ATTR {
    if (!args.Cancelled()) out[round] = FmaRound(static_cast<T>(args.scale), static_cast<T>(args.shift));
  });
}

}  // namespace nautilus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_SYSTEM_PROBES_INL_H_
