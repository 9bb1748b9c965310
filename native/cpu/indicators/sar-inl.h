// Parabolic stop and reverse.
#if defined(NAUTILUS_CPU_INDICATORS_SAR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_SAR_INL_H_
#undef NAUTILUS_CPU_INDICATORS_SAR_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_SAR_INL_H_
#endif

#include <algorithm>

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Sar {
  using Options = SarOptions;
  // Stops that began differently are one once both have turned at the same bar; nothing makes them.
  static constexpr int64_t kLead = 256;

  template <typename T>
  struct Plan {
    T step, most;

    Plan(const Options& options, Layout&)
        : step(static_cast<T>(std::min(options.acceleration, options.maximum))),
          most(static_cast<T>(options.maximum)) {}
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V side, stop, extreme, speed, high, low;

    NAUTILUS_FIELDS(side, stop, extreme, speed, high, low)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      // A falling side is a rising one upside down: everything but `high` and `low` is kept times `side`, 1
      // or -1.
      if (!Bar::kSteady && at.bar <= 1) Begin(at, plan, in);
      const auto rising = hn::Gt(side, hn::Zero(at.d));
      const V floor = hn::IfThenElse(rising, in[1], hn::Neg(in[0]));
      const V top = hn::IfThenElse(rising, in[0], hn::Neg(in[1]));
      const V floor_before = hn::IfThenElse(rising, low, hn::Neg(high));
      const V top_before = hn::IfThenElse(rising, high, hn::Neg(low));
      const V step = hn::Set(at.d, plan.step);
      const auto turned = hn::Le(floor, stop);
      // Had the price turned: the stop is the extreme of the trend that ends, outside both bars.
      const V outside = hn::Max(top_before, top);
      const V turned_stop = hn::Max(extreme, outside);
      const V turned_next =
          hn::Max(hn::Add(turned_stop, hn::Mul(step, hn::Sub(floor, turned_stop))), outside);
      // Had it not: a new extreme makes the stop follow faster, but never into the last two bars.
      const V faster = hn::Min(hn::Add(speed, step), hn::Set(at.d, plan.most));
      const V kept_speed = hn::IfThenElse(hn::Gt(top, extreme), faster, speed);
      const V kept_extreme = hn::Max(extreme, top);
      const V followed = hn::Add(stop, hn::Mul(kept_speed, hn::Sub(kept_extreme, stop)));
      const V kept_next = hn::Min(followed, hn::Min(floor_before, floor));
      out[0] = hn::Mul(side, hn::IfThenElse(turned, turned_stop, stop));
      stop = hn::IfThenElse(turned, hn::Neg(turned_next), kept_next);
      extreme = hn::IfThenElse(turned, hn::Neg(floor), kept_extreme);
      speed = hn::IfThenElse(turned, step, kept_speed);
      side = hn::IfThenElse(turned, hn::Neg(side), side);
      high = in[0];
      low = in[1];
    }

    // The second bar decides the side; until then the stop is beyond the first bar.
    template <class Bar>
    HWY_INLINE void Begin(const Bar& at, const Plan<T>& plan, const V* in) {
      const V one = hn::Set(at.d, T{1});
      if (at.bar == 0) {
        high = in[0];
        low = in[1];
      }
      const V fall = hn::Sub(low, in[1]);
      const auto falling = hn::Gt(fall, hn::Max(hn::Sub(in[0], high), hn::Zero(at.d)));
      side = hn::IfThenElse(falling, hn::Neg(one), one);
      stop = hn::IfThenElse(falling, hn::Neg(high), low);
      extreme = hn::IfThenElse(falling, hn::Neg(in[1]), in[0]);
      speed = hn::Set(at.d, plan.step);
      high = in[0];
      low = in[1];
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_SAR_INL_H_
