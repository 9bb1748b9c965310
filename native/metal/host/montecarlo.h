// Random numbers and simulations on the GPU, in f32: slots of the kernel table. Simulations sum up on the CPU
// what the device leaves, and keep their thread.
#ifndef NAUTILUS_METAL_HOST_MONTECARLO_H_
#define NAUTILUS_METAL_HOST_MONTECARLO_H_

#include "core/kernel_args.h"
#include "core/status.h"
#include "core/task.h"

// Slots with the Metal kernels that each needs.
#define NAUTILUS_METAL_MONTECARLO(X)                                                   \
  X(PhiloxUint32, "philox_uint32_f32")                                                 \
  X(Normals, "normals_f32")                                                            \
  X(Sobol, "sobol_f32")                                                                \
  X(McOption, "mc_option_gbm_f32", "mc_option_gbm_greeks_f32", "mc_option_merton_f32", \
    "mc_option_heston_f32", "mc_option_local_vol_f32")                                 \
  X(McBasket, "mc_basket_f32", "mc_basket_wide_f32")                                   \
  X(McPortfolio, "mc_portfolio_f32", "mc_portfolio_wide_f32")

namespace nautilus::metal {

Task PhiloxUint32(PhiloxUint32Args& args);
Task Normals(NormalsArgs& args);
Task Sobol(SobolArgs& args);
Status McOption(McOptionArgs& args);
Status McBasket(McBasketArgs& args);
Status McPortfolio(McPortfolioArgs& args);

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_MONTECARLO_H_
