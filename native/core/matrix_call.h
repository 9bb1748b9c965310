// Matrix kernels of which another device does the part that takes the time.
#ifndef NAUTILUS_CORE_MATRIX_CALL_H_
#define NAUTILUS_CORE_MATRIX_CALL_H_

#include <cstdint>

#include "core/kernel_args.h"
#include "core/status.h"

namespace nautilus::cpu {

// Writes the lower triangle, at least, of the sum of x x' over all rows x of `rows` [count, columns] into
// `gram` [columns, columns].
using GramF32 = Status (*)(const float* rows, int64_t count, int64_t columns, CancelFlag cancel, float* gram);

// The kernels in f32 with sums of products by `gram`. Means, missing values and divisions stay on the CPU:
// they read the panel once.
Status CovarianceBy(GramF32 gram, CovarianceArgs& args);
Status CorrelationBy(GramF32 gram, CorrelationArgs& args);

// Writes the norms of the residuals, which are there.
void QpNorms(const QpProductsArgs& args);

}  // namespace nautilus::cpu

#endif  // NAUTILUS_CORE_MATRIX_CALL_H_
