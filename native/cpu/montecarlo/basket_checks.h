// What a basket must be: refusals, and the factor of its correlations.
#ifndef NAUTILUS_CPU_MONTECARLO_BASKET_CHECKS_H_
#define NAUTILUS_CPU_MONTECARLO_BASKET_CHECKS_H_

#include <cstdint>
#include <vector>

#include "core/generated/montecarlo_args.h"
#include "core/status.h"

namespace nautilus::cpu {

// Refuses what cannot be simulated; `args.detail` says why or where.
Status CheckBasket(McBasketArgs& args);

// Returns the lower factor of the correlations, scaled to a diagonal of 1; `minor` is not 0 when there is
// none.
std::vector<double> CorrelationFactor(const McBasketArgs& args, int64_t& minor);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CPU_MONTECARLO_BASKET_CHECKS_H_
