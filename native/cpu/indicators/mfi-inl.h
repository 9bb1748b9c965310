// Money flow index.
#if defined(NAUTILUS_CPU_INDICATORS_MFI_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NAUTILUS_CPU_INDICATORS_MFI_INL_H_
#undef NAUTILUS_CPU_INDICATORS_MFI_INL_H_
#else
#define NAUTILUS_CPU_INDICATORS_MFI_INL_H_
#endif

#include "core/generated/indicator_options.h"
#include "cpu/indicators/cells-inl.h"

HWY_BEFORE_NAMESPACE();
namespace nautilus::cpu::indicators::HWY_NAMESPACE {

struct Mfi {
  using Options = MfiOptions;

  template <typename T>
  struct Plan {
    Ring gains, losses;

    Plan(const Options& options, Layout& layout)
        : gains(layout.Take(options.period)), losses(layout.Take(options.period)) {}

    NAUTILUS_RINGS(gains, losses)
  };

  template <class D>
  struct Step {
    using T = hn::TFromD<D>;
    using V = hn::Vec<D>;
    V price;
    RollingCell<D, Sum> gain, loss;

    NAUTILUS_FIELDS(price, gain, loss)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<T>& plan, const V* in, V* out) {
      const V zero = hn::Zero(at.d);
      const V typical = TypicalPrice(at.d, in[0], in[1], in[2]);
      const V change = hn::Sub(typical, price);
      const V flow = hn::Mul(typical, in[3]);
      price = typical;
      const V up = gain.Push(at, plan.gains, hn::IfThenElseZero(hn::Gt(change, zero), flow));
      const V down = loss.Push(at, plan.losses, hn::IfThenElseZero(hn::Lt(change, zero), flow));
      out[0] = Position(at.d, up, zero, hn::Add(up, down));
    }
  };
};

}  // namespace nautilus::cpu::indicators::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // NAUTILUS_CPU_INDICATORS_MFI_INL_H_
