// The functions of the row of an indicator that goes from bar to bar.
#if defined(NAUTILUS_CPU_INDICATORS_RECURSIVE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_RECURSIVE_INL_H_
#undef NAUTILUS_CPU_INDICATORS_RECURSIVE_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_RECURSIVE_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "cpu/indicators/parts-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

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
    return layout.used + kFieldsBefore<Spec> + fields.count;
  }

  static void Describe(const Options& options, int64_t lanes, IndicatorPlan& to) {
    Layout layout{.step = lanes};
    const typename Spec::template Plan<float> plan(options, layout);
    CopyPlan(plan, to);
    to.warmup = options.Warmup();
    to.rings = layout.used / lanes;
    to.windows = false;
  }

  template <typename T>
  static bool Run(const Options& options, const IndicatorCall& call, int64_t first_tile, int64_t last_tile) {
    const int64_t slots = Slots<T>(options);
    if (call.series == 1) {
      const Tile<Spec, T> tile(call, slots, 0);
      return LongSeries<Spec, T>(options, call, tile, slots).Run();
    }
    return ForTiles<T>(call, slots, first_tile, last_tile, [&](int64_t first, int64_t last) HWY_ATTR {
      return RunTiles<Spec, T>(options, call, slots, first, last);
    });
  }
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_RECURSIVE_INL_H_
