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

#include "cpu/indicators/call.h"
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
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) sum = hn::Add(sum, hn::Mul(hn::LoadU(d, values + i), zero));
  T rest = T{0};
  for (; i < count; ++i) rest += values[i] * T{0};
  return rest == T{0} && hn::AllTrue(d, hn::Eq(sum, zero));
}

// Bars of a series alone whose inputs are checked before any of them is worked on.
inline constexpr int64_t kBlockBars = 1024;

// Rows of a panel that are fetched ahead: the rows of a wide panel lie on different pages, where no hardware
// follows.
inline constexpr int64_t kRowsAhead = 12;

// The part of a panel that one tile covers.
template <class Spec, typename T>
struct Tile {
  static constexpr int kInputs = Spec::Options::kInputs;
  static constexpr int kOutputs = Spec::Options::kOutputs;

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
    Step step;
    LoadFields<D> load{d, tile.state + fields + at, tile.padded};
    VisitFields(step, load);
    step.Update(At<D, kSteady>{d, bar, tile.state + at}, plan, in, out);
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

// Bars of a series alone, its fields in registers: through memory each bar would wait for the stores of the
// last.
template <class Spec, bool kSteady, typename T, class Plan, class Step>
HWY_INLINE void SeriesBars(Plan& plan, Step& step, const Tile<Spec, T>& tile, int64_t first_bar,
                           int64_t warmup, int64_t from, int64_t to) {
  using D = hn::CappedTag<T, 1>;
  const D d;
  for (int64_t row = from; row < to; ++row) {
    hn::Vec<D> in[Tile<Spec, T>::kInputs];
    hn::Vec<D> out[Tile<Spec, T>::kOutputs];
    for (int i = 0; i < Tile<Spec, T>::kInputs; ++i) in[i] = hn::LoadU(d, tile.in[i] + row);
    step.Update(At<D, kSteady>{d, first_bar + row, tile.state}, plan, in, out);
    for (int i = 0; i < Tile<Spec, T>::kOutputs; ++i) {
      hn::StoreU(kSteady || first_bar + row >= warmup ? out[i] : hn::Set(d, kNaN<T>), d, tile.out[i] + row);
    }
    VisitRings(plan, NextRing{});
  }
}

template <class Spec, typename T, class Plan>
HWY_INLINE bool RunSeries(const IndicatorCall& call, Plan& plan, int64_t fields, int64_t warmup,
                          const Tile<Spec, T>& tile) {
  using D = hn::CappedTag<T, 1>;
  using Step = typename Spec::template Step<D>;
  const D d;
  Step step;
  LoadFields<D> load{d, tile.state + fields, 1};
  VisitFields(step, load);
  // Bars after the first value are steady.
  const int64_t steady = std::clamp<int64_t>(warmup + 1 - call.first_bar, 0, call.bars);
  for (int64_t from = 0; from < call.bars;) {
    const int64_t to = std::min(from + kBlockBars, call.bars);
    if (!call.checked && !tile.FiniteBars(from, to)) return false;
    const int64_t turn = std::clamp(steady, from, to);
    SeriesBars<Spec, false>(plan, step, tile, call.first_bar, warmup, from, turn);
    SeriesBars<Spec, true>(plan, step, tile, call.first_bar, warmup, turn, to);
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

// a / b, and 0 where b is.
template <class D>
HWY_INLINE hn::Vec<D> Ratio(D d, hn::Vec<D> a, hn::Vec<D> b) {
  return hn::IfThenZeroElse(hn::Eq(b, hn::Zero(d)), hn::Div(a, b));
}

// Where `value` stands between two bounds, 0 to 100; the middle when there is nothing between them.
template <class D>
HWY_INLINE hn::Vec<D> Position(D d, hn::Vec<D> value, hn::Vec<D> from, hn::Vec<D> to) {
  const auto all = hn::Sub(to, from);
  const auto hundred = hn::Set(d, hn::TFromD<D>{100});
  const auto place = hn::Mul(hundred, hn::Div(hn::Sub(value, from), all));
  return hn::IfThenElse(hn::Eq(all, hn::Zero(d)), hn::Set(d, hn::TFromD<D>{50}), place);
}

template <class D>
HWY_INLINE hn::Vec<D> TypicalPrice(D d, hn::Vec<D> high, hn::Vec<D> low, hn::Vec<D> close) {
  return hn::Div(hn::Add(hn::Add(high, low), close), hn::Set(d, hn::TFromD<D>{3}));
}

// The volume of a bar, in full when it closed at its high, against when at its low; 0 of a bar without a
// range.
template <class D>
HWY_INLINE hn::Vec<D> MoneyFlow(D d, hn::Vec<D> high, hn::Vec<D> low, hn::Vec<D> close, hn::Vec<D> volume) {
  const auto balance = hn::Sub(hn::Sub(close, low), hn::Sub(high, close));
  return hn::Mul(Ratio(d, balance, hn::Sub(high, low)), volume);
}

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
      VisitRings(plan, SeekRings{call.first_bar});
      const bool finite = call.series == 1 ? RunSeries<Spec>(call, plan, layout.used, warmup, tile)
                                           : RunTile<Spec>(call, plan, layout.used, warmup, tile);
      if (!finite) return false;
    }
    return true;
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
