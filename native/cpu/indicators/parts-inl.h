// A long series alone, cut into parts that run side by side as the series of a panel, on several threads. Bar
// by bar it would wait for each operation of the one before.
//
// Each part but the first begins early, with a state that is wrong but forgotten, to the last bit, by its
// first bar. That is not taken on trust: where two parts meet, the state that the earlier one ends with must
// be what the later one had there. Where it is not, all from there on is done again, bar by bar. So the
// values are those of the plain order always; only the time depends on the guess.
#if defined(NAUTILUS_CPU_INDICATORS_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_PARTS_INL_H_
#undef NAUTILUS_CPU_INDICATORS_PARTS_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_PARTS_INL_H_
#endif

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/parallel.h"
#include "cpu/indicators/alone-inl.h"
#include "cpu/indicators/transpose-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

// The number of bars after which all rings stand at their first row again.
struct CommonRows {
  int64_t* bars;
  // Far beyond any part it stops, lest the product overflows.
  HWY_INLINE void operator()(const Ring& ring) const {
    if (*bars < int64_t{1} << 40) *bars = std::lcm(*bars, ring.rows);
  }
};

// Warm-ups after which a state is likely forgotten; 0 when it is not. An indicator that knows better than its
// definition says so.
template <class Spec>
constexpr int64_t LeadOf() {
  if constexpr (requires { Spec::kLead; }) {
    return Spec::kLead;
  } else {
    return Spec::Options::kLead;
  }
}

template <class Spec, typename T>
class LongSeries {
  using Options = typename Spec::Options;
  using Plan = typename Spec::template Plan<T>;
  static constexpr int kInputs = Spec::Options::kInputs;
  static constexpr int kOutputs = Spec::Options::kOutputs;
  // As many as the widest vector has lanes.
  static constexpr int64_t kParts = 64 / static_cast<int64_t>(sizeof(T));
  // Bars of each part that are turned at a time.
  static constexpr int64_t kTurnBars = 64;
  // Bars that parts may be shorter for the sake of where they begin.
  static constexpr int64_t kLongestSearch = 512;
  // Bars that a thread should have at least.
  static constexpr int64_t kThreadBars = 1 << 15;

  // What one thread does: the state of its parts before their first bars, and after their last.
  struct Group {
    std::vector<T> guessed, ended;
  };

 public:
  HWY_INLINE LongSeries(const Options& options, const IndicatorCall& call, const Tile<Spec, T>& tile,
                        int64_t slots)
      : options_(options), call_(call), tile_(tile), slots_(slots), warmup_(options.Warmup()) {}

  bool Run() {
    Layout layout{.step = 1};
    Plan plan(options_, layout);
    const int64_t fields = layout.used;
    Cut();
    if (part_ == 0) return RunSeries<Spec>(call_, plan, fields, warmup_, tile_, 0, call_.bars);
    if (!RunSeries<Spec>(call_, plan, fields, warmup_, tile_, 0, first_)) return false;
    std::vector<Group> groups(static_cast<size_t>(groups_));
    std::atomic<bool> going{true};
    ParallelFor(groups_, [&](int64_t index) {
      if (!RunGroup(index, groups[static_cast<size_t>(index)])) going.store(false, std::memory_order_relaxed);
    });
    if (!going.load()) return false;
    return RunSeries<Spec>(call_, plan, fields, warmup_, tile_, Join(groups), call_.bars);
  }

 private:
  // Whether parts of that length begin at places of their pages that are apart: they would push each other
  // out of the cache. An odd multiple of a page's share visits all shares in turn.
  static constexpr bool IsSpread(int64_t part) {
    constexpr int64_t kPage = 4096;
    constexpr int64_t kShare = kPage / kParts;
    const int64_t place = part * static_cast<int64_t>(sizeof(T)) % (2 * kShare);
    return std::abs(place - kShare) <= kShare / 4;
  }

  // Decides the number and length of the parts; none when it does not pay.
  void Cut() {
    constexpr int64_t kLong = 1 << 12;
    if constexpr (LeadOf<Spec>() > 0) {
      if (call_.bars < kLong) return;
      // Steady bars only; a state's rows fill up once more after the first value, as a ring may be as long as
      // that.
      first_ = std::clamp<int64_t>(2 * (warmup_ + 2) - call_.first_bar, 0, call_.bars);
      lead_ = LeadOf<Spec>() * (warmup_ + 2);
      Layout layout{.step = 1};
      Plan plan(options_, layout);
      int64_t common = 1;
      VisitRings(plan, CommonRows{&common});
      for (groups_ = std::clamp<int64_t>(call_.bars / kThreadBars, 1, KernelThreads()); groups_ > 0;
           --groups_) {
        // The parts stand at the same row of each ring.
        part_ = (call_.bars - first_ - lead_) / (groups_ * kParts) / common * common;
        int64_t spread = part_;
        while (spread > part_ - kLongestSearch && !IsSpread(spread)) spread -= common;
        if (IsSpread(spread)) part_ = spread;
        if (part_ > 2 * lead_) return;
      }
    }
    part_ = 0;
  }

  // Runs the parts of one thread. Returns false at a NaN or infinity of an input, and once the call is
  // cancelled.
  HWY_NOINLINE bool RunGroup(int64_t index, Group& group) {
    Layout layout{.step = kParts};
    Plan plan(options_, layout);
    const int64_t fields = layout.used / kParts;
    std::vector<T> state(static_cast<size_t>(slots_ * kParts));
    for (int64_t slot = 0; slot < slots_; ++slot)
      std::fill_n(state.begin() + slot * kParts, kParts, tile_.state[slot]);
    const int64_t base = first_ + index * kParts * part_;
    // Of the lead only the very first part's values are right.
    if (!RunSteps(plan, fields, state.data(), base, 0, lead_, index == 0 ? 1 : 0)) return false;
    group.guessed = state;
    if (!RunSteps(plan, fields, state.data(), base, lead_, lead_ + part_, kParts)) return false;
    group.ended = std::move(state);
    return true;
  }

  // Steps [from, to) of every part of a group whose first one begins at bar `base`; stores the values of the
  // first `valid`.
  HWY_NOINLINE bool RunSteps(const Plan& start, int64_t fields, T* state, int64_t base, int64_t from,
                             int64_t to, int64_t valid) {
    using Derived = AfterDerivation<Spec>;
    HWY_ALIGN T in[Derived::Options::kInputs][kTurnBars * kParts];
    HWY_ALIGN T out[kOutputs][kTurnBars * kParts];
    Plan plan = start;
    Tile<Derived, T> block;
    block.series = block.width = block.padded = kParts;
    block.state = state;
    for (int i = 0; i < Derived::Options::kInputs; ++i) block.in[i] = in[i];
    for (int i = 0; i < kOutputs; ++i) block.out[i] = out[i];
    for (int64_t step = from; step < to; step += kTurnBars) {
      const int64_t count = std::min(kTurnBars, to - step);
      if (call_.Cancelled()) return false;
      if (step + 2 * kTurnBars <= to) Fetch(base + step + kTurnBars);
      if (!TurnBars(fields, base + step, count, in)) return false;
      VisitRings(plan, SeekRings{call_.first_bar + first_ + step});
      const Rows rows{.first = 0,
                      .count = count,
                      .bar = warmup_ + 1,
                      .warmup = warmup_,
                      .fetches = false,
                      .streams = false};
      if (!TileRows<Derived, true>(plan, (fields + kFieldsBefore<Spec>)*kParts, block, rows)) return false;
      for (int i = 0; i < kOutputs; ++i)
        Transpose(out[i], kParts, count, valid, tile_.out[i] + base + step, part_);
    }
    return true;
  }

  // Lays `count` bars of every part from bar `first` of the first one on side by side, derived. Returns
  // whether the inputs are finite.
  HWY_INLINE bool TurnBars(int64_t fields, int64_t first, int64_t count, T (*to)[kTurnBars * kParts]) {
    if constexpr (HasDerived<Spec>) {
      HWY_ALIGN T derived[kUpdateInputs<Spec>][kParts][kTurnBars];
      Finite<hn::ScalableTag<T>, kInputs> finite{hn::ScalableTag<T>()};
      for (int64_t part = 0; part < kParts; ++part) {
        T* own[kUpdateInputs<Spec>];
        for (int i = 0; i < kUpdateInputs<Spec>; ++i) own[i] = derived[i][part];
        const int64_t from = first + part * part_;
        DeriveBars<Spec>(tile_, tile_.state + fields, from, from + count, own, finite);
      }
      for (int i = 0; i < kUpdateInputs<Spec>; ++i)
        Transpose(derived[i][0], kTurnBars, kParts, count, to[i], kParts);
      return finite.All();
    } else {
      (void)fields;
      for (int i = 0; i < kInputs; ++i) Transpose(tile_.in[i] + first, part_, kParts, count, to[i], kParts);
      return true;
    }
  }

  // Fetches a block of bars of every part: they are more streams than the hardware follows.
  HWY_INLINE void Fetch(int64_t first) const {
    constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
    for (int64_t part = 0; part < kParts; ++part) {
      for (int64_t bar = 0; bar < kTurnBars; bar += kLine) {
        const int64_t at = first + part * part_ + bar;
        for (int i = 0; i < kInputs; ++i) __builtin_prefetch(tile_.in[i] + at, 0, 2);
        for (int i = 0; i < kOutputs; ++i) __builtin_prefetch(tile_.out[i] + at, 0, 2);
      }
    }
  }

  // Takes over the state after the last part that was begun rightly. Returns its end: all values before it
  // are right.
  int64_t Join(const std::vector<Group>& groups) {
    const int64_t parts = groups_ * kParts;
    const auto at = [](const std::vector<T>& state, int64_t slot, int64_t part) -> const T* {
      return state.data() + slot * kParts + part % kParts;
    };
    const auto meets = [&](int64_t part) {
      const auto& ended = groups[static_cast<size_t>(part / kParts)].ended;
      const auto& guessed = groups[static_cast<size_t>((part + 1) / kParts)].guessed;
      for (int64_t slot = 0; slot < slots_; ++slot) {
        if (std::memcmp(at(ended, slot, part), at(guessed, slot, part + 1), sizeof(T)) != 0) return false;
      }
      return true;
    };
    int64_t last = 0;
    while (last + 1 < parts && meets(last)) ++last;
    const auto& ended = groups[static_cast<size_t>(last / kParts)].ended;
    for (int64_t slot = 0; slot < slots_; ++slot) tile_.state[slot] = *at(ended, slot, last);
    return first_ + (last + 1) * part_ + lead_;
  }

  const Options& options_;
  const IndicatorCall& call_;
  const Tile<Spec, T>& tile_;
  int64_t slots_;
  int64_t warmup_;
  int64_t groups_ = 0;  // each the parts of one thread
  int64_t first_ = 0;   // bars before the parts
  int64_t lead_ = 0;    // bars that a part begins early
  int64_t part_ = 0;    // bars of a part, 0 for none
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_PARTS_INL_H_
