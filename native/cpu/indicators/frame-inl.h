// Runs one indicator's step over a panel: one loop for a tile of series, one for a series alone. Both call
// the same Update, so a stream, a batch, one series and a panel of them give the same bits.
//
// An indicator is a struct with
//   Options                      its generated option struct;
//   template <typename T> Plan   constants from the options, and the rings it takes from the layout:
//                                Plan(const Options&, Layout&), NAUTILUS_RINGS(...) when it has any;
//   template <class D> Step      what is remembered of each lane, NAUTILUS_FIELDS(...), all zero before the
//   first
//                                bar; Update(at, plan, in, out) takes one bar.
//   kDerived, Derive(d, in, to)  when a bar is first turned into other numbers, whatever came before it:
//   Update gets those.
// Or, when a value depends on the last `rows` bars only and nothing else, see window-inl.h.
#if defined(NAUTILUS_CPU_INDICATORS_FRAME_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#undef NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "core/indicator_call.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

// Rows of state that are used in turn, one per bar. All lanes stand at the same row, which follows from the
// number of the bar alone, so a position is never read from the state. Offsets are in elements.
struct Ring {
  int64_t first = 0;
  int64_t last = 0;
  int64_t step = 1;
  int64_t at = 0;
  int64_t row = 0;
  int64_t rows = 1;

  HWY_INLINE void Seek(int64_t bar) {
    row = bar % rows;
    at = first + row * step;
  }
  HWY_INLINE void Next() {
    at += step;
    ++row;
    if (at == last) {
      at = first;
      row = 0;
    }
  }
};

// Hands out the rows of a state: rings first, fields after them.
struct Layout {
  int64_t step;
  int64_t used = 0;

  HWY_INLINE Ring Take(int64_t rows) {
    Ring ring;
    ring.first = used;
    ring.last = used + rows * step;
    ring.step = step;
    ring.rows = rows;
    used = ring.last;
    return ring;
  }
};

// Where an update stands: the lanes, the number of the bar, and the state that rings are offsets of.
// `kSteady` holds after warm-up, when no part is being seeded any more.
template <class D, bool kSteadyBar>
struct At {
  static constexpr bool kSteady = kSteadyBar;
  D d;
  int64_t bar;
  hn::TFromD<D>* slots;
};

template <class D>
struct LoadFields {
  D d;
  const hn::TFromD<D>* from;
  int64_t step;
  HWY_INLINE void operator()(hn::Vec<D>& field) {
    field = hn::LoadU(d, from);
    from += step;
  }
};

template <class D>
struct SaveFields {
  D d;
  hn::TFromD<D>* to;
  int64_t step;
  HWY_INLINE void operator()(hn::Vec<D>& field) {
    hn::StoreU(field, d, to);
    to += step;
  }
};

struct CountFields {
  int64_t count = 0;
  template <class V>
  HWY_INLINE void operator()(V&) {
    ++count;
  }
};

struct SeekRings {
  int64_t bar;
  HWY_INLINE void operator()(Ring& ring) const { ring.Seek(bar); }
};

struct NextRing {
  HWY_INLINE void operator()(Ring& ring) const { ring.Next(); }
};

// A member is a vector or ring itself, or has fields or rings of its own, or is an array of such.
template <class Visit, class Member>
HWY_INLINE void VisitMember(Visit& visit, Member& member) {
  if constexpr (requires { member.Fields(visit); }) {
    member.Fields(visit);
  } else if constexpr (requires { member.Rings(visit); }) {
    member.Rings(visit);
  } else {
    visit(member);
  }
}
template <class Visit, class Member, size_t kCount>
HWY_INLINE void VisitMember(Visit& visit, Member (&members)[kCount]) {
  for (Member& member : members) VisitMember(visit, member);
}
template <class Visit, class... Members>
HWY_INLINE void VisitMembers(Visit& visit, Members&... members) {
  (VisitMember(visit, members), ...);
}

// Name the members that the frame keeps: vectors and cells of a step, rings of a plan.
#undef NAUTILUS_FIELDS
#undef NAUTILUS_RINGS
#define NAUTILUS_FIELDS(...)             \
  template <class Visit>                 \
  HWY_INLINE void Fields(Visit& visit) { \
    VisitMembers(visit, __VA_ARGS__);    \
  }
#define NAUTILUS_RINGS(...)             \
  template <class Visit>                \
  HWY_INLINE void Rings(Visit& visit) { \
    VisitMembers(visit, __VA_ARGS__);   \
  }

// A plan without rings and a step without fields leave the macro out.
template <class Visited, class Visit>
HWY_INLINE void VisitRings(Visited& plan, Visit visit) {
  if constexpr (requires { plan.Rings(visit); }) plan.Rings(visit);
}
template <class Visited, class Visit>
HWY_INLINE void VisitFields(Visited& step, Visit& visit) {
  if constexpr (requires { step.Fields(visit); }) step.Fields(visit);
}

// Whether all of `count` values are finite: x * 0 is 0 for those only.
template <typename T>
HWY_INLINE bool AllFinite(const T* values, int64_t count) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto zero = hn::Zero(d);
  auto sum = zero;
  auto other = zero;
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    sum = hn::Add(sum, hn::Mul(hn::LoadU(d, values + i), zero));
    other = hn::Add(other, hn::Mul(hn::LoadU(d, values + i + lanes), zero));
  }
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, hn::Mul(hn::LoadU(d, values + i), zero));
  sum = hn::Add(sum, other);
  T rest = T{0};
  for (; i < count; ++i) rest += values[i] * T{0};
  return rest == T{0} && hn::AllTrue(d, hn::Eq(sum, zero));
}

// Bars of a series alone whose inputs are checked before any of them is worked on.
inline constexpr int64_t kBlockBars = 256;

// Rows of a panel that are fetched ahead: the rows of a wide panel lie on different pages, where no hardware
// follows.
inline constexpr int64_t kRowsAhead = 12;

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
    const int64_t first = tile * TileSeries(slots);
    series = call.series;
    width = std::min(TileSeries(slots), series - first);
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

  // Whether a row is finite; also fetches a later one.
  HWY_INLINE bool FiniteRow(int64_t row, const IndicatorCall& call) const {
    constexpr int64_t kLine = 64 / sizeof(T);
    if (row + kRowsAhead < call.bars) {
      const int64_t ahead = (row + kRowsAhead) * series;
      for (int64_t at = 0; at < width; at += kLine) {
        for (int i = 0; i < kInputs; ++i) __builtin_prefetch(in[i] + ahead + at, 0);
        for (int i = 0; i < kOutputs; ++i) __builtin_prefetch(out[i] + ahead + at, 1);
      }
    }
    if (call.checked) return true;
    for (int i = 0; i < kInputs; ++i) {
      if (!AllFinite(in[i] + row * series, width)) return false;
    }
    return true;
  }
};

// Loads `count` lanes, zeros above; a tail must not read past its row.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadSome(D d, const T* from, int64_t count) {
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(lanes, from, static_cast<size_t>(count) * sizeof(T));
  return hn::Load(d, lanes);
}

template <class D, typename T>
HWY_INLINE void StoreSome(hn::Vec<D> value, D d, T* to, int64_t count) {
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(value, d, lanes);
  std::memcpy(to, lanes, static_cast<size_t>(count) * sizeof(T));
}

template <class Spec>
concept HasDerived = requires {
  Spec::kDerived;
};

// What an update reads of a bar.
template <class Spec>
constexpr int UpdateInputs() {
  if constexpr (HasDerived<Spec>) {
    return Spec::kDerived;
  } else {
    return Spec::Options::kInputs;
  }
}
template <class Spec>
inline constexpr int kUpdateInputs = UpdateInputs<Spec>();

template <class Spec, class D>
HWY_INLINE void DeriveBar(D d, const hn::Vec<D>* in, hn::Vec<D>* to) {
  if constexpr (HasDerived<Spec>) {
    Spec::Derive(d, in, to);
  } else {
    for (int i = 0; i < Spec::Options::kInputs; ++i) to[i] = in[i];
  }
}

// One row of a tile, all its vectors. `kValues` is false before the first value: NaN is stored then.
template <class Spec, bool kSteady, typename T, class Plan>
HWY_INLINE void TileRow(const Plan& plan, int64_t fields, const Tile<Spec, T>& tile, int64_t bar, int64_t row,
                        bool values) {
  using D = hn::ScalableTag<T>;
  using Step = typename Spec::template Step<D>;
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t at = 0; at < tile.width; at += lanes) {
    const int64_t rest = tile.width - at;
    const int64_t offset = row * tile.series + at;
    hn::Vec<D> in[Tile<Spec, T>::kInputs];
    hn::Vec<D> out[Tile<Spec, T>::kOutputs];
    for (int i = 0; i < Tile<Spec, T>::kInputs; ++i) {
      in[i] = HWY_LIKELY(rest >= lanes) ? hn::LoadU(d, tile.in[i] + offset)
                                        : LoadSome(d, tile.in[i] + offset, rest);
    }
    hn::Vec<D> bar_of[kUpdateInputs<Spec>];
    DeriveBar<Spec>(d, in, bar_of);
    Step step;
    LoadFields<D> load{d, tile.state + fields + at, tile.padded};
    VisitFields(step, load);
    step.Update(At<D, kSteady>{d, bar, tile.state + at}, plan, bar_of, out);
    SaveFields<D> save{d, tile.state + fields + at, tile.padded};
    VisitFields(step, save);
    for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
      const auto value = kSteady || values ? out[i] : hn::Set(d, kNaN<T>);
      if (HWY_LIKELY(rest >= lanes)) {
        hn::StoreU(value, d, tile.out[i] + offset);
      } else {
        StoreSome(value, d, tile.out[i] + offset, rest);
      }
    }
  }
}

// Bars of a series alone, `bars` from bar `base` on, its fields in registers: through memory each bar would
// wait for the stores of the last.
template <class Spec, bool kSteady, typename T, class Plan, class Step>
HWY_INLINE void SeriesBars(Plan& plan, Step& step, const Tile<Spec, T>& tile, const T* const* bars,
                           int64_t base, int64_t first_bar, int64_t warmup, int64_t from, int64_t to) {
  using D = hn::CappedTag<T, 1>;
  const D d;
  for (int64_t row = from; row < to; ++row) {
    hn::Vec<D> in[kUpdateInputs<Spec>];
    hn::Vec<D> out[Tile<Spec, T>::kOutputs];
    for (int i = 0; i < kUpdateInputs<Spec>; ++i) in[i] = hn::LoadU(d, bars[i] + (row - base));
    step.Update(At<D, kSteady>{d, first_bar + row, tile.state}, plan, in, out);
    for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
      hn::StoreU(kSteady || first_bar + row >= warmup ? out[i] : hn::Set(d, kNaN<T>), d, tile.out[i] + row);
    }
    VisitRings(plan, NextRing{});
  }
}

// Derives bars [from, to) of a series alone, several bars at a time.
template <class Spec, typename T>
HWY_INLINE void DeriveBars(const Tile<Spec, T>& tile, int64_t from, int64_t to, T (*derived)[kBlockBars]) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t row = from; row < to; row += lanes) {
    const int64_t rest = to - row;
    V in[Tile<Spec, T>::kInputs];
    V of[kUpdateInputs<Spec>];
    for (int i = 0; i < Tile<Spec, T>::kInputs; ++i) {
      const T* source = tile.in[i] + row;
      in[i] = HWY_LIKELY(rest >= lanes) ? hn::LoadU(d, source) : LoadSome(d, source, rest);
    }
    Spec::Derive(d, in, of);
    // Blocks are whole vectors, so what is stored beyond the last bar is room.
    for (int i = 0; i < kUpdateInputs<Spec>; ++i) hn::StoreU(of[i], d, derived[i] + (row - from));
  }
}

// Bars [begin, end) of a series alone.
template <class Spec, typename T, class Plan>
HWY_NOINLINE bool RunSeries(const IndicatorCall& call, Plan& plan, int64_t fields, int64_t warmup,
                            const Tile<Spec, T>& tile, int64_t begin, int64_t end) {
  using D = hn::CappedTag<T, 1>;
  using Step = typename Spec::template Step<D>;
  const D d;
  Step step;
  LoadFields<D> load{d, tile.state + fields, 1};
  VisitFields(step, load);
  VisitRings(plan, SeekRings{call.first_bar + begin});
  // Bars after the first value are steady.
  const int64_t steady = warmup + 1 - call.first_bar;
  for (int64_t from = begin; from < end;) {
    const int64_t to = std::min(from + kBlockBars, end);
    if (!call.checked && !tile.FiniteBars(from, to)) return false;
    const int64_t turn = std::clamp(steady, from, to);
    const T* bars[kUpdateInputs<Spec>];
    HWY_ALIGN T derived[kUpdateInputs<Spec>][HasDerived<Spec> ? kBlockBars : 1];
    if constexpr (HasDerived<Spec>) {
      DeriveBars<Spec>(tile, from, to, derived);
      for (int i = 0; i < kUpdateInputs<Spec>; ++i) bars[i] = derived[i];
    } else {
      for (int i = 0; i < kUpdateInputs<Spec>; ++i) bars[i] = tile.in[i] + from;
    }
    SeriesBars<Spec, false>(plan, step, tile, bars, from, call.first_bar, warmup, from, turn);
    SeriesBars<Spec, true>(plan, step, tile, bars, from, call.first_bar, warmup, turn, to);
    from = to;
  }
  SaveFields<D> save{d, tile.state + fields, 1};
  VisitFields(step, save);
  return true;
}

template <class Spec, typename T, class Plan>
HWY_INLINE bool RunTile(const IndicatorCall& call, Plan& plan, int64_t fields, int64_t warmup,
                        const Tile<Spec, T>& tile) {
  for (int64_t row = 0; row < call.bars; ++row) {
    if (!tile.FiniteRow(row, call)) return false;
    const int64_t bar = call.first_bar + row;
    if (HWY_LIKELY(bar > warmup)) {
      TileRow<Spec, true>(plan, fields, tile, bar, row, true);
    } else {
      TileRow<Spec, false>(plan, fields, tile, bar, row, bar == warmup);
    }
    VisitRings(plan, NextRing{});
  }
  return true;
}

template <class Spec>
struct Recursive;

// Whether a long series is cut: worth it where a chain of slow operations over one column is all there is.
// The others would lose more by laying their columns side by side.
template <class Spec>
concept InParts = requires {
  Spec::kInParts;
};

// A long series alone. Bar by bar it waits for each operation of the one before; so it is cut into parts that
// run side by side as the series of a panel. Each part but the first begins early, with a state that is wrong
// but forgotten, to the last bit, by its first bar. That is not taken on trust: where two parts meet, the
// state that the earlier one ends with must be what the later one had there. Where it is not, all from there
// on is done again, bar by bar. So the values are those of the plain order always; only the time depends on
// the guess.
template <class Spec, typename T>
class LongSeries {
  using Options = typename Spec::Options;
  using Plan = typename Spec::template Plan<T>;
  static constexpr int kInputs = Spec::Options::kInputs;
  static constexpr int kOutputs = Spec::Options::kOutputs;
  static constexpr int64_t kParts = kPadSeries;
  static constexpr int64_t kBars = 32;  // bars of each part that are laid side by side at a time

 public:
  HWY_INLINE LongSeries(const Options& options, const IndicatorCall& call, const Tile<Spec, T>& tile)
      : options_(options), call_(call), tile_(tile), warmup_(options.Warmup()) {}

  bool Run() {
    Layout layout{.step = 1};
    Plan plan(options_, layout);
    const int64_t fields = layout.used;
    Cut();
    if (part_ == 0) return RunSeries<Spec>(call_, plan, fields, warmup_, tile_, 0, call_.bars);
    if (!RunSeries<Spec>(call_, plan, fields, warmup_, tile_, 0, first_)) return false;
    int64_t done = 0;
    if (!RunParts(&done)) return false;
    return RunSeries<Spec>(call_, plan, fields, warmup_, tile_, done, call_.bars);
  }

 private:
  struct CommonRows {
    int64_t rows = 1;
    // Far beyond any part it stops, lest the product overflows.
    void operator()(const Ring& ring) {
      if (rows < int64_t{1} << 40) rows = std::lcm(rows, ring.rows);
    }
  };

  // Decides the length of the parts; none when it does not pay.
  void Cut() {
    constexpr int64_t kLong = 1 << 14;
    if (call_.bars < kLong) return;
    // Steady bars only; a state's rows fill up once more after the first value, as a ring may be as long as
    // that.
    first_ = std::clamp<int64_t>(2 * (warmup_ + 2) - call_.first_bar, 0, call_.bars);
    // An average takes about as many bars as its first value to forget a state by a factor of e.
    lead_ = 64 * (warmup_ + 2);
    Layout layout{.step = 1};
    Plan plan(options_, layout);
    CommonRows common;
    if constexpr (requires { plan.Rings(common); }) plan.Rings(common);
    // The parts stand at the same row of each ring.
    int64_t part = (call_.bars - first_ - lead_) / kParts / common.rows * common.rows;
    // Parts whose starts lie at the same place of their pages would push each other out of the cache.
    if (part * static_cast<int64_t>(sizeof(T)) % 4096 < 256)
      part -= common.rows * ((31 + common.rows) / common.rows);
    if (part > 2 * lead_) part_ = part;
  }

  // Runs all parts and sets `done` to the bar up to which the outputs are right; the state is that before it.
  HWY_NOINLINE bool RunParts(int64_t* done) {
    Layout layout{.step = kParts};
    Plan plan(options_, layout);
    const int64_t slots = Recursive<Spec>::template Slots<T>(options_);
    std::vector<T> state(static_cast<size_t>(slots * kParts));
    for (int64_t slot = 0; slot < slots; ++slot) {
      for (int64_t part = 0; part < kParts; ++part) state[slot * kParts + part] = tile_.state[slot];
    }
    VisitRings(plan, SeekRings{call_.first_bar + first_});
    if (!RunSteps(plan, layout.used, state.data(), 0, lead_)) return false;
    const std::vector<T> guessed(state);
    if (!RunSteps(plan, layout.used, state.data(), lead_, lead_ + part_)) return false;
    int64_t last = 0;
    while (last + 1 < kParts && Meets(guessed, state, slots, last)) ++last;
    for (int64_t slot = 0; slot < slots; ++slot) tile_.state[slot] = state[slot * kParts + last];
    *done = first_ + (last + 1) * part_ + lead_;
    return true;
  }

  // Whether a part ends with the state that the next one had there.
  static bool Meets(const std::vector<T>& guessed, const std::vector<T>& ended, int64_t slots, int64_t part) {
    for (int64_t slot = 0; slot < slots; ++slot) {
      if (guessed[slot * kParts + part + 1] != ended[slot * kParts + part]) return false;
    }
    return true;
  }

  // Steps [from, to) of every part. Of the lead only the first part's values are right.
  HWY_NOINLINE bool RunSteps(Plan& plan, int64_t fields, T* state, int64_t from, int64_t to) {
    HWY_ALIGN T in[kInputs][kBars * kParts];
    HWY_ALIGN T out[kOutputs][kBars * kParts];
    Tile<Spec, T> block;
    block.series = block.width = block.padded = kParts;
    block.state = state;
    for (int i = 0; i < kInputs; ++i) block.in[i] = in[i];
    for (int i = 0; i < kOutputs; ++i) block.out[i] = out[i];
    for (int64_t step = from; step < to; step += kBars) {
      const int64_t count = std::min(kBars, to - step);
      for (int i = 0; i < kInputs; ++i) {
        for (int64_t part = 0; part < kParts; ++part) {
          const T* source = tile_.in[i] + first_ + part * part_ + step;
          for (int64_t bar = 0; bar < count; ++bar) in[i][bar * kParts + part] = source[bar];
        }
        if (!call_.checked && !AllFinite(in[i], count * kParts)) return false;
      }
      for (int64_t bar = 0; bar < count; ++bar) {
        TileRow<Spec, true>(plan, fields, block, warmup_ + 1, bar, true);
        VisitRings(plan, NextRing{});
      }
      const int64_t valid = step < lead_ ? 1 : kParts;
      for (int i = 0; i < kOutputs; ++i) {
        for (int64_t part = 0; part < valid; ++part) {
          T* target = tile_.out[i] + first_ + part * part_ + step;
          for (int64_t bar = 0; bar < count; ++bar) target[bar] = out[i][bar * kParts + part];
        }
      }
    }
    return true;
  }

  const Options& options_;
  const IndicatorCall& call_;
  const Tile<Spec, T>& tile_;
  int64_t warmup_;
  int64_t first_ = 0;  // bars before the parts
  int64_t lead_ = 0;   // bars that a part begins early
  int64_t part_ = 0;   // bars of a part, 0 for none
};

// The two functions of an indicator's row.
template <class Spec>
struct Recursive {
  using Options = typename Spec::Options;

  template <typename T>
  static int64_t Slots(const Options& options) {
    Layout layout{.step = 1};
    typename Spec::template Plan<T> plan(options, layout);
    typename Spec::template Step<hn::CappedTag<T, 1>> step;
    CountFields fields;
    VisitFields(step, fields);
    return layout.used + fields.count;
  }

  template <typename T>
  static bool Run(const Options& options, const IndicatorCall& call, int64_t first_tile, int64_t last_tile) {
    const int64_t slots = Slots<T>(options);
    const int64_t warmup = options.Warmup();
    for (int64_t index = first_tile; index < last_tile; ++index) {
      const Tile<Spec, T> tile(call, slots, index);
      Layout layout{.step = tile.padded};
      typename Spec::template Plan<T> plan(options, layout);
      if (call.series == 1) {
        if constexpr (InParts<Spec>) {
          return LongSeries<Spec, T>(options, call, tile).Run();
        } else {
          return RunSeries<Spec>(call, plan, layout.used, warmup, tile, 0, call.bars);
        }
      }
      VisitRings(plan, SeekRings{call.first_bar});
      if (!RunTile<Spec>(call, plan, layout.used, warmup, tile)) return false;
    }
    return true;
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
