// Portfolios and their risk on the GPU, in f32: slots of the kernel table.
#ifndef NAUTILUS_METAL_HOST_PORTFOLIO_H_
#define NAUTILUS_METAL_HOST_PORTFOLIO_H_

#include "core/kernel_args.h"
#include "core/status.h"

// Slots with the Metal kernels that each needs.
#define NAUTILUS_METAL_PORTFOLIO(X)                \
  X(BrinsonAttribution, "brinson_attribution_f32") \
  X(FactorAttribution, "factor_attribution_f32")   \
  X(LimitUsage, "limit_usage_f32")                 \
  X(ScenarioPnl, "scenario_pnl_f32", "scenario_pnl_positions_f32")

namespace nautilus::metal {

#define NAUTILUS_SLOT(Name, ...) Status Name(Name##Args& args);
NAUTILUS_METAL_PORTFOLIO(NAUTILUS_SLOT)
#undef NAUTILUS_SLOT

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_PORTFOLIO_H_
