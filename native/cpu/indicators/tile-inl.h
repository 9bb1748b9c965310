// A panel, a tile of neighbouring series at a time: a few rows of a vector's width are taken with the fields
// in registers.
#if defined(NAUTILUS_CPU_INDICATORS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_TILE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_TILE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_TILE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/indicators/frame-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

// Rows that are taken at a time: these and as many that are fetched meanwhile, of every column, stay in the
// first cache.
template <class Options>
inline constexpr int64_t kBlockRows = std::clamp<int64_t>(32 / (Options::kInputs + Options::kOutputs), 4, 16);

// The part of a panel that one tile covers.
template <class Spec, typename T>
struct Tile {
  static constexpr int kInputs = Spec::Options::kInputs;
  static constexpr int kOutputs = Spec::Options::kOutputs;

  Tile() = default;

  int64_t series;  // elements between two rows of the panel
  int64_t width;   // series of this tile
  int64_t padded;  // lanes of state of this tile
  T* state;
  const T* in[kInputs];
  T* out[kOutputs];

  HWY_INLINE Tile(const IndicatorCall& call, int64_t slots, int64_t tile) {
    const int64_t first = tile * kTileSeries;
    series = call.series;
    width = std::min(kTileSeries, series - first);
    padded = PaddedWidth(width, series);
    state = static_cast<T*>(call.state) + first * slots;
    for (int i = 0; i < kInputs; ++i) in[i] = static_cast<const T*>(call.inputs[i]) + first;
    for (int i = 0; i < kOutputs; ++i) out[i] = static_cast<T*>(call.outputs[i]) + first;
  }

  // Whether bars [from, to) of a series alone are finite.
  HWY_INLINE bool FiniteBars(int64_t from, int64_t to) const {
    for (int i = 0; i < kInputs; ++i) {
      if (!AllFinite(in[i] + from, to - from)) return false;
    }
    return true;
  }

  // Fetches `bytes` of a row from column `at` on, of the outputs too when they go into the caches: no
  // hardware follows from page to page.
  HWY_INLINE void Fetch(int64_t row, int64_t at, int64_t bytes, bool outputs) const {
    const int64_t offset = row * series + at;
    for (int64_t byte = 0; byte < bytes; byte += 64) {
      for (int i = 0; i < kInputs; ++i)
        __builtin_prefetch(reinterpret_cast<const char*>(in[i] + offset) + byte, 0, 2);
      for (int i = 0; outputs && i < kOutputs; ++i)
        __builtin_prefetch(reinterpret_cast<char*>(out[i] + offset) + byte, 0, 2);
    }
  }
};

// Rows of a tile.
struct Rows {
  int64_t first;  // row of the panel
  int64_t count;
  int64_t bar;  // number of the first row's bar
  int64_t warmup;
  bool fetches;  // whether there are as many rows after these
  bool streams;  // whether values go past the caches; they lie in whole lines then
};

// Takes `rows` of `kVectors` vectors from column `at` on; `rest` columns are left there, which matters to the
// last vector of a row only. NaN is stored before the first value.
template <class Spec, bool kSteady, int kVectors, class D, class Plan>
HWY_INLINE void BlockRows(D d, Plan plan, int64_t fields, const Tile<Spec, hn::TFromD<D>>& tile,
                          const Rows& rows, int64_t at, int64_t rest,
                          Finite<D, Spec::Options::kInputs>& finite) {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  using Step = typename Spec::template Step<D>;
  constexpr int kInputs = Spec::Options::kInputs;
  constexpr int kOutputs = Spec::Options::kOutputs;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Several vectors are whole.
  const int64_t room = kVectors > 1 ? lanes : rest;
  Derivation<Spec, D> derivations[kVectors];
  Step steps[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    LoadFields<D> load{d, tile.state + fields + at + v * lanes, tile.padded};
    VisitFields(derivations[v], load);
    VisitFields(steps[v], load);
  }
  for (int64_t row = 0; row < rows.count; ++row) {
    const int64_t offset = (rows.first + row) * tile.series + at;
    if (rows.fetches)
      tile.Fetch(rows.first + row + kBlockRows<typename Spec::Options>, at,
                 kVectors * lanes * static_cast<int64_t>(sizeof(T)), !rows.streams);
    for (int v = 0; v < kVectors; ++v) {
      V in[kInputs];
      V bar[kUpdateInputs<Spec>];
      V out[kOutputs];
      for (int i = 0; i < kInputs; ++i) {
        in[i] = LoadUpTo(d, tile.in[i] + offset + v * lanes, room);
        finite.See(i, in[i]);
      }
      derivations[v].Push(d, in, bar);
      steps[v].Update(At<D, kSteady>{d, rows.bar + row, tile.state + at + v * lanes}, plan, bar, out);
      const bool values = kSteady || rows.bar + row >= rows.warmup;
      for (int i = 0; i < kOutputs; ++i) {
        const V value = values ? out[i] : hn::Set(d, kNaN<T>);
        T* const to = tile.out[i] + offset + v * lanes;
        if (kVectors > 1 && rows.streams) {
          hn::Stream(value, d, to);
        } else {
          StoreUpTo(value, d, to, room);
        }
      }
    }
    VisitRings(plan, NextRing{});
  }
  for (int v = 0; v < kVectors; ++v) {
    SaveFields<D> save{d, tile.state + fields + at + v * lanes, tile.padded};
    VisitFields(derivations[v], save);
    VisitFields(steps[v], save);
  }
}

// Takes rows of all columns of a tile, two vectors at a time: each waits for what it did the bar before.
// Returns whether the inputs are finite. The rings of `plan` stand at the first row.
template <class Spec, bool kSteady, typename T, class Plan>
HWY_INLINE bool TileRows(const Plan& plan, int64_t fields, const Tile<Spec, T>& tile, const Rows& rows) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  Finite<hn::ScalableTag<T>, Spec::Options::kInputs> finite(d);
  int64_t at = 0;
  if constexpr (kSteady) {
    for (; at + 2 * lanes <= tile.width; at += 2 * lanes)
      BlockRows<Spec, true, 2>(d, plan, fields, tile, rows, at, tile.width - at, finite);
  }
  for (; at < tile.width; at += lanes)
    BlockRows<Spec, kSteady, 1>(d, plan, fields, tile, rows, at, tile.width - at, finite);
  return finite.All();
}

// Whether the outputs of a panel should go past the caches: larger than any, writing them spares reading each
// line before it is replaced.
template <class Spec, typename T>
HWY_INLINE bool Streams(const IndicatorCall& call) {
  constexpr int64_t kLine = 64;
  constexpr int64_t kFromBytes = int64_t{1} << 25;
  const int64_t row_bytes = call.series * static_cast<int64_t>(sizeof(T));
  bool lines = row_bytes % kLine == 0;
  for (int i = 0; i < Spec::Options::kOutputs; ++i)
    lines = lines && reinterpret_cast<uintptr_t>(call.outputs[i]) % kLine == 0;
  return lines && call.bars * row_bytes >= kFromBytes;
}

// Calls run(first, last) for tiles [first, last) in groups of one width: as many at a time as have their
// state in the first cache. Returns whether all calls did.
template <typename T, class Run>
HWY_INLINE bool ForTiles(const IndicatorCall& call, int64_t slots, int64_t first, int64_t last, Run run) {
  constexpr int64_t kStateBytes = 1 << 14;
  const int64_t tile_bytes = slots * kTileSeries * static_cast<int64_t>(sizeof(T));
  const int64_t together = std::max<int64_t>(1, kStateBytes / tile_bytes);
  const int64_t wide = std::min(last, call.series / kTileSeries);
  for (int64_t tile = first; tile < last;) {
    const int64_t end = tile < wide ? std::min(tile + together, wide) : tile + 1;
    if (!run(tile, end)) return false;
    tile = end;
  }
  return true;
}

// Runs tiles [first, last) of one width, each block of rows over all of them: longer runs through each row of
// the panel. Returns false at a NaN or infinity of an input, and once the call is cancelled.
template <class Spec, typename T>
HWY_NOINLINE bool RunTiles(const typename Spec::Options& options, const IndicatorCall& call, int64_t slots,
                           int64_t first, int64_t last) {
  const int64_t warmup = options.Warmup();
  const bool streams = Streams<Spec, T>(call);
  Layout layout{.step = Tile<Spec, T>(call, slots, first).padded};
  typename Spec::template Plan<T> plan(options, layout);
  for (Rows rows{.first = 0,
            .count = 0,
            .bar = call.first_bar,
            .warmup = warmup,
            .fetches = false,
            .streams = streams};
       rows.first < call.bars; rows.first += rows.count, rows.bar += rows.count) {
    const bool steady = rows.bar > warmup;
    rows.count = std::min(kBlockRows<typename Spec::Options>, call.bars - rows.first);
    if (!steady) rows.count = std::min(rows.count, warmup + 1 - rows.bar);
    rows.fetches = rows.first + rows.count + kBlockRows<typename Spec::Options> <= call.bars;
    VisitRings(plan, SeekRings{rows.bar});
    if (call.Cancelled()) return false;
    for (int64_t index = first; index < last; ++index) {
      const Tile<Spec, T> tile(call, slots, index);
      const bool finite = steady ? TileRows<Spec, true>(plan, layout.used, tile, rows)
                                 : TileRows<Spec, false>(plan, layout.used, tile, rows);
      if (!finite) return false;
    }
  }
  // They are ordered before whoever reads the result.
  if (streams) hwy::FlushStream();
  return true;
}

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_TILE_INL_H_
