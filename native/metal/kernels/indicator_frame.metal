// What the steps of indicators are made of and run with on the GPU: the counterpart of
// native/cpu/indicators/frame-inl.h, tile-inl.h and window-inl.h for one lane a thread. The steps themselves
// are written once, in C++ over vectors of lanes; scripts/gen-indicators turns them into
// native/metal/generated/indicators.metal.
#include <metal_stdlib>
using namespace metal;

// The operations that steps use, for a lane of one. Each rounds like its counterpart on the CPU: no fused
// operation, no approximation.
namespace hn {

struct Lane {};

template <class D>
using Vec = float;
template <class D>
using TFromD = float;

inline float Zero(Lane) { return 0.0f; }
inline float Set(Lane, float value) { return value; }
inline float Add(float a, float b) { return a + b; }
inline float Sub(float a, float b) { return a - b; }
inline float Mul(float a, float b) { return a * b; }
inline float Div(float a, float b) { return a / b; }
inline float Neg(float a) { return -a; }
inline float Abs(float a) { return fabs(a); }
inline float Sqrt(float a) { return precise::sqrt(a); }
inline float Max(float a, float b) { return a > b ? a : b; }
inline float Min(float a, float b) { return a < b ? a : b; }
inline bool Eq(float a, float b) { return a == b; }
inline bool Gt(float a, float b) { return a > b; }
inline bool Ge(float a, float b) { return a >= b; }
inline bool Lt(float a, float b) { return a < b; }
inline bool Le(float a, float b) { return a <= b; }
inline float IfThenElse(bool mask, float yes, float no) { return mask ? yes : no; }
inline float IfThenElseZero(bool mask, float yes) { return mask ? yes : 0.0f; }
inline float IfThenZeroElse(bool mask, float no) { return mask ? 0.0f : no; }
inline float LoadU(Lane, device const float* from) { return *from; }
inline void StoreU(float value, Lane, device float* to) { *to = value; }

}  // namespace hn

namespace indicators {

// Rows of state that are used in turn, one per bar; offsets are in elements. The host fills in all but where
// it stands.
struct Ring {
  long first;
  long last;
  long step;
  long at;
  long row;
  long rows;

  void Seek(long bar) thread {
    row = bar % rows;
    at = first + row * step;
  }
  void Next() thread {
    at += step;
    ++row;
    if (at == last) {
      at = first;
      row = 0;
    }
  }
};

// An exponential average; see EmaRule in native/cpu/indicators/cells-inl.h.
template <typename T>
struct EmaRule {
  long start;
  long period;
  T weight;

  long Ready() const thread { return start + period - 1; }
};

// Where an update stands: the number of the bar, and the state that rings are offsets of.
template <class D>
struct At {
  static constant constexpr bool kSteady = false;
  D d;
  long bar;
  device float* slots;
};

// Calls a visitor for each number of a step; members are numbers, parts with numbers of their own, or arrays
// of such.
template <class Visit>
inline void VisitMember(thread Visit& visit, thread float& member) {
  visit.Number(member);
}
template <class Visit, class Member>
inline void VisitMember(thread Visit& visit, thread Member& member) {
  member.Fields(visit);
}
template <class Visit, class Member, uint kCount>
inline void VisitMember(thread Visit& visit, thread Member (&members)[kCount]) {
  for (uint i = 0; i < kCount; ++i) VisitMember(visit, members[i]);
}

inline void SeekMember(thread Ring& ring, long bar) { ring.Seek(bar); }
template <uint kCount>
inline void SeekMember(thread Ring (&rings)[kCount], long bar) {
  for (uint i = 0; i < kCount; ++i) rings[i].Seek(bar);
}
inline void NextMember(thread Ring& ring) { ring.Next(); }
template <uint kCount>
inline void NextMember(thread Ring (&rings)[kCount]) {
  for (uint i = 0; i < kCount; ++i) rings[i].Next();
}

struct LoadNumbers {
  device const float* from;
  ulong step;
  void Number(thread float& number) thread {
    number = *from;
    from += step;
  }
};
struct SaveNumbers {
  device float* to;
  ulong step;
  void Number(thread float& number) thread {
    *to = number;
    to += step;
  }
};

// Bars [first_bar, first_bar + bars) of a panel. `rings` is the number of rows of state before the numbers of
// the step.
struct IndicatorParams {
  uint series;
  uint first_bar;
  uint bars;
  uint warmup;
  uint rings;
};

// The columns that a run reads and writes.
template <int kCount>
struct Inputs {
  device const float* of[kCount];
};
template <int kCount>
struct Outputs {
  device float* of[kCount];
};

// The plan that the host made, as it lies in memory there.
template <class Plan>
inline Plan LoadPlan(constant uint* words) {
#ifdef __SWMETAL__
  Plan plan;
  constant const uchar* bytes = reinterpret_cast<constant const uchar*>(words);
  for (uint i = 0; i < sizeof(Plan); ++i) reinterpret_cast<thread uchar*>(&plan)[i] = bytes[i];
  return plan;
#else
  return *reinterpret_cast<constant Plan*>(words);
#endif
}

// One series of an indicator that goes from bar to bar. Sets `broken` when an input is not finite.
template <class Spec, int kInputs, int kOutputs>
inline void RunSeries(constant uint* host_plan, constant IndicatorParams& p, device float* state,
                      device atomic_uint* broken, thread const Inputs<kInputs>& in,
                      thread const Outputs<kOutputs>& out, uint thread_index) {
  if (thread_index >= p.series) return;
  typename Spec::template Plan<float> plan = LoadPlan<typename Spec::template Plan<float>>(host_plan);
  typename Spec::template Step<hn::Lane> step;
  typename Spec::Before before;
  device float* const numbers = state + ulong(p.rings) * p.series + thread_index;
  LoadNumbers load;
  load.from = numbers;
  load.step = p.series;
  before.Fields(load);
  step.Fields(load);
  plan.Seek(long(p.first_bar));
  float unlike_zero = 0.0f;
  At<hn::Lane> at;
  at.slots = state + thread_index;
  for (uint row = p.first_bar; row < p.first_bar + p.bars; ++row) {
    const ulong place = ulong(row) * p.series + thread_index;
    float bar[kInputs];
    float read[Spec::kRead];
    float value[kOutputs];
    for (int i = 0; i < kInputs; ++i) {
      bar[i] = in.of[i][place];
      unlike_zero += bar[i] * 0.0f;
    }
    before.Push(bar, read);
    at.bar = long(row);
    step.Update(at, plan, read, value);
    for (int i = 0; i < kOutputs; ++i) out.of[i][place] = row < p.warmup ? NAN : value[i];
    plan.Next();
  }
  SaveNumbers save;
  save.to = numbers;
  save.step = p.series;
  before.Fields(save);
  step.Fields(save);
  if (unlike_zero != 0.0f) atomic_store_explicit(broken, 1u, memory_order_relaxed);
}

// The window of one value: rows that lie in the panel itself.
template <int kWindows>
struct PanelWindow {
  device const float* oldest[kWindows];
  ulong stride;

  float operator()(int column, long row) const thread { return oldest[column][ulong(row) * stride]; }
};

// The same where a window keeps what was made of the inputs.
template <class Spec, class Plan, int kInputs>
struct PreparedWindow {
  PanelWindow<kInputs> inputs;
  Plan plan;

  float operator()(int column, long row) const thread {
    float in[kInputs];
    float kept[Spec::kWindows];
    for (int i = 0; i < kInputs; ++i) in[i] = inputs(i, row);
    Spec::Prepare(hn::Lane(), plan, in, kept);
    return kept[column];
  }
};

// Whether there is a value at this place; NaN is written where there is none. Sets `broken` when an input is
// not finite.
template <int kInputs, int kOutputs>
inline bool BeginValue(constant IndicatorParams& p, device atomic_uint* broken,
                       thread const Inputs<kInputs>& in, thread const Outputs<kOutputs>& out, uint bar,
                       ulong at) {
  float unlike_zero = 0.0f;
  for (int i = 0; i < kInputs; ++i) unlike_zero += in.of[i][at] * 0.0f;
  if (unlike_zero != 0.0f) atomic_store_explicit(broken, 1u, memory_order_relaxed);
  if (bar >= p.warmup) return true;
  for (int i = 0; i < kOutputs; ++i) out.of[i][at] = NAN;
  return false;
}

// One value of an indicator of windows: place.x is the series, place.y the bar after the first of this run.
template <class Spec, int kInputs, int kOutputs>
inline void RunValue(constant uint* host_plan, constant IndicatorParams& p, device atomic_uint* broken,
                     thread const Inputs<kInputs>& in, thread const Outputs<kOutputs>& out, uint2 place) {
  if (place.x >= p.series || place.y >= p.bars) return;
  const uint bar = p.first_bar + place.y;
  const ulong at = ulong(bar) * p.series + place.x;
  if (!BeginValue(p, broken, in, out, bar, at)) return;
  const typename Spec::template Plan<float> plan = LoadPlan<typename Spec::template Plan<float>>(host_plan);
  PanelWindow<kInputs> window;
  window.stride = p.series;
  for (int i = 0; i < kInputs; ++i) window.oldest[i] = in.of[i] + (at - ulong(plan.rows - 1) * p.series);
  float value[kOutputs];
  Spec::Value(hn::Lane(), plan, window, value);
  for (int i = 0; i < kOutputs; ++i) out.of[i][at] = value[i];
}

// The same of windows over what was made of the inputs.
template <class Spec, int kInputs, int kOutputs>
inline void RunPreparedValue(constant uint* host_plan, constant IndicatorParams& p,
                             device atomic_uint* broken, thread const Inputs<kInputs>& in,
                             thread const Outputs<kOutputs>& out, uint2 place) {
  if (place.x >= p.series || place.y >= p.bars) return;
  const uint bar = p.first_bar + place.y;
  const ulong at = ulong(bar) * p.series + place.x;
  if (!BeginValue(p, broken, in, out, bar, at)) return;
  PreparedWindow<Spec, typename Spec::template Plan<float>, kInputs> window;
  window.plan = LoadPlan<typename Spec::template Plan<float>>(host_plan);
  window.inputs.stride = p.series;
  for (int i = 0; i < kInputs; ++i)
    window.inputs.oldest[i] = in.of[i] + (at - ulong(window.plan.rows - 1) * p.series);
  float value[kOutputs];
  Spec::Value(hn::Lane(), window.plan, window, value);
  for (int i = 0; i < kOutputs; ++i) out.of[i][at] = value[i];
}

}  // namespace indicators
