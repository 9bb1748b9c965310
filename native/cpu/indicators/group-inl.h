// Compiles the indicators of NAUTILUS_GROUP for every SIMD target and exports their functions. Included
// last by each group's file, after the generated list of its indicators. No include guard: foreach_target
// includes the group's file once for each target.
#include "cpu/indicators/recursive-inl.h"
#include "cpu/indicators/rows.h"
#include "cpu/indicators/window-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

template <class Spec, bool kWindowed>
struct FrameOf {
  using Type = Recursive<Spec>;
};
template <class Spec>
struct FrameOf<Spec, true> {
  using Type = Windowed<Spec>;
};
template <class Spec>
concept HasWindows = requires {
  Spec::kWindows;
};
template <class Spec>
using Frame = typename FrameOf<Spec, HasWindows<Spec>>::Type;

#undef NAUTILUS_DEFINE
#define NAUTILUS_DEFINE(Name)                                                                         \
  int64_t Slots##Name(const double* options, Dtype dtype) {                                           \
    const auto read = Name::Options::Read(options);                                                   \
    return dtype == Dtype::kF64 ? Frame<Name>::Slots<double>(read) : Frame<Name>::Slots<float>(read); \
  }                                                                                                   \
  bool Run##Name(const IndicatorCall& call, int64_t first_tile, int64_t last_tile) {                  \
    const auto read = Name::Options::Read(call.options);                                              \
    return call.dtype == Dtype::kF64 ? Frame<Name>::Run<double>(read, call, first_tile, last_tile)    \
                                     : Frame<Name>::Run<float>(read, call, first_tile, last_tile);    \
  }                                                                                                   \
  void Plan##Name(const double* options, int64_t lanes, IndicatorPlan& plan) {                        \
    Frame<Name>::Describe(Name::Options::Read(options), lanes, plan);                                 \
  }
NAUTILUS_GROUP(NAUTILUS_DEFINE)

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace nautilus::cpu::indicators {

#define NAUTILUS_EXPORT(Name)                                                        \
  HWY_EXPORT(Run##Name);                                                             \
  int64_t Slots##Name(const double* options, Dtype dtype) {                          \
    return HWY_STATIC_DISPATCH(Slots##Name)(options, dtype);                         \
  }                                                                                  \
  bool Run##Name(const IndicatorCall& call, int64_t first_tile, int64_t last_tile) { \
    return HWY_DYNAMIC_DISPATCH(Run##Name)(call, first_tile, last_tile);             \
  }                                                                                  \
  void Plan##Name(const double* options, int64_t lanes, IndicatorPlan& plan) {       \
    HWY_STATIC_DISPATCH(Plan##Name)(options, lanes, plan);                           \
  }
NAUTILUS_GROUP(NAUTILUS_EXPORT)
#undef NAUTILUS_EXPORT

}  // namespace nautilus::cpu::indicators
#endif  // HWY_ONCE
