// The functions of each indicator, defined by its group.
#ifndef NAUTILUS_CPU_INDICATORS_ROWS_H_
#define NAUTILUS_CPU_INDICATORS_ROWS_H_

#include "core/generated/indicator_options.h"
#include "core/indicator_call.h"

namespace nautilus::cpu::indicators {

#define NAUTILUS_DECLARE(Name)                                                      \
  int64_t Slots##Name(const double* options, Dtype dtype);                          \
  bool Run##Name(const IndicatorCall& call, int64_t first_tile, int64_t last_tile); \
  void Plan##Name(const double* options, int64_t lanes, IndicatorPlan& plan);
NAUTILUS_INDICATORS(NAUTILUS_DECLARE)
#undef NAUTILUS_DECLARE

}  // namespace nautilus::cpu::indicators

#endif  // NAUTILUS_CPU_INDICATORS_ROWS_H_
