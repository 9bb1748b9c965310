// What statistics on another device share with those on the CPU.
#ifndef NAUTILUS_CORE_STATISTICS_CALL_H_
#define NAUTILUS_CORE_STATISTICS_CALL_H_

#include "core/generated/statistics_args.h"
#include "core/status.h"

namespace nautilus::cpu {

// Checks the call and writes the edges of its bins, ascending, to `edges` [bins + 1]: the given ones, or even
// ones over the range asked for or that of the values. kInvalidOption as the kernel.
Status HistogramEdges(HistogramArgs& args, double* edges);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_STATISTICS_CALL_H_
