// Simulations as textbooks write them: one path after the other, in double, by the standard library.
#ifndef NAUTILUS_CPU_MONTECARLO_REFERENCE_H_
#define NAUTILUS_CPU_MONTECARLO_REFERENCE_H_

#include <cstdint>

#include "core/generated/montecarlo_args.h"

namespace nautilus::cpu::reference {

// The normal of one path and dimension, from the words of Philox that a call of that type uses.
double Normal(Dtype dtype, uint64_t seed, uint32_t stream, int rounds, int64_t path, int64_t dimension);

// Writes price and standard error; neither Greeks nor control variates nor Sobol points.
void McOption(McOptionArgs& args);

// The same for baskets, without deltas.
void McBasket(McBasketArgs& args);

// Writes profits only.
void McPortfolio(McPortfolioArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_MONTECARLO_REFERENCE_H_
