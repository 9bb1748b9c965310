// What an indicator's step is made of and run with: over a panel (tile-inl.h), over a series alone
// (alone-inl.h, parts-inl.h). All call the same Update, so a stream, a batch, one series and a panel of them
// give the same bits.
//
// An indicator is a struct with
//   Options
//     its generated option struct;
//   template <typename T> Plan
//     constants from the options, and the rings it takes from the layout: Plan(const Options&, Layout&),
//     NAUTILUS_RINGS(...) when it has any;
//   template <class D> Step
//     what is remembered of each lane, NAUTILUS_FIELDS(...), all zero before the first bar;
//     Update(at, plan, in, out) takes one bar;
//   kDerived, kBefore, Derive(d, in, before, to)
//     left out, or when a bar is first turned into other numbers, for which only it and the bar before count:
//     Update gets those. `before` holds the inputs that kBefore has a bit for, zeros at the first bar;
//   kLead
//     left out, or warm-ups until a state is likely forgotten where its definition does not tell.
//
// Or, when a value depends on the last `rows` bars only and nothing else, see window-inl.h.
#if defined(NAUTILUS_CPU_INDICATORS_FRAME_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#undef NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
#endif

#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

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

// Whether vectors of several inputs are finite, found out beside the work on them.
template <class D, int kInputs>
struct Finite {
  D d;
  hn::Vec<D> sums[kInputs];

  HWY_INLINE explicit Finite(D of) : d(of) {
    for (int i = 0; i < kInputs; ++i) sums[i] = hn::Zero(d);
  }
  HWY_INLINE void See(int input, hn::Vec<D> value) {
    sums[input] = hn::MulAdd(value, hn::Zero(d), sums[input]);
  }
  HWY_INLINE bool All() const {
    auto sum = sums[0];
    for (int i = 1; i < kInputs; ++i) sum = hn::Add(sum, sums[i]);
    return hn::AllTrue(d, hn::Eq(sum, hn::Zero(d)));
  }
};

// Copies what another device reads as it lies here.
template <class Plan>
void CopyPlan(const Plan& plan, IndicatorPlan& to) {
  static_assert(sizeof(Plan) <= sizeof(to.bytes) && std::is_trivially_copyable_v<Plan>);
  std::memcpy(to.bytes, &plan, sizeof(Plan));
  to.size = sizeof(Plan);
}

// Loads a vector, or as many lanes as there are, zeros above: a tail must not read past its row.
template <class D, typename T>
HWY_INLINE hn::Vec<D> LoadUpTo(D d, const T* from, int64_t rest) {
  if (HWY_LIKELY(rest >= static_cast<int64_t>(hn::Lanes(d)))) return hn::LoadU(d, from);
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)] = {};
  std::memcpy(lanes, from, static_cast<size_t>(rest) * sizeof(T));
  return hn::Load(d, lanes);
}

// Stores a vector, or as many lanes as there is room for.
template <class D, typename T>
HWY_INLINE void StoreUpTo(hn::Vec<D> value, D d, T* to, int64_t rest) {
  if (HWY_LIKELY(rest >= static_cast<int64_t>(hn::Lanes(d)))) {
    hn::StoreU(value, d, to);
    return;
  }
  HWY_ALIGN T lanes[HWY_MAX_BYTES / sizeof(T)];
  hn::Store(value, d, lanes);
  std::memcpy(to, lanes, static_cast<size_t>(rest) * sizeof(T));
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

// The inputs that are remembered of the bar before, one bit each.
template <class Spec>
constexpr unsigned InputsBefore() {
  if constexpr (requires { Spec::kBefore; }) {
    return Spec::kBefore;
  } else {
    return 0;
  }
}

// Turns bars into what an update reads.
template <class Spec, class D>
struct Derivation {
  using V = hn::Vec<D>;
  static constexpr int kInputs = Spec::Options::kInputs;
  V before[kInputs];

  template <class Visit>
  HWY_INLINE void Fields(Visit& visit) {
    for (int i = 0; i < kInputs; ++i) {
      if (InputsBefore<Spec>() >> i & 1) visit(before[i]);
    }
  }

  HWY_INLINE void Push(D d, const V* in, V* to) {
    if constexpr (HasDerived<Spec>) {
      Spec::Derive(d, in, before, to);
    } else {
      (void)d;
    }
    for (int i = 0; i < kInputs; ++i) {
      if (!HasDerived<Spec>) to[i] = in[i];
      if (InputsBefore<Spec>() >> i & 1) before[i] = in[i];
    }
  }
};

// How many inputs are remembered of the bar before.
template <class Spec>
inline constexpr int64_t kFieldsBefore = __builtin_popcount(InputsBefore<Spec>());

// The same indicator over bars that are derived already.
template <class Spec>
struct AfterDerivation {
  struct Options : Spec::Options {
    static constexpr int kInputs = kUpdateInputs<Spec>;
  };
  template <typename T>
  using Plan = typename Spec::template Plan<T>;
  template <class D>
  using Step = typename Spec::template Step<D>;
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_FRAME_INL_H_
