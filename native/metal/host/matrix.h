// Matrix products on the GPU, in f32: slots of the kernel table. A Task gives its thread away while the
// device works; a Status has work for the CPU in between, and keeps it.
#ifndef NAUTILUS_METAL_HOST_MATRIX_H_
#define NAUTILUS_METAL_HOST_MATRIX_H_

#include "core/kernel_args.h"
#include "core/status.h"
#include "core/task.h"

// Slots with the Metal kernels that each needs.
#define NAUTILUS_METAL_MATRIX(X)                \
  X(BatchedGemm, "gemm_f32")                    \
  X(Correlation, "gemm_f32")                    \
  X(Covariance, "gemm_f32")                     \
  X(Gemm, "gemm_f32")                           \
  X(Gemv, "gemv_f32")                           \
  X(QpProducts, "qp_primal_f32", "qp_dual_f32") \
  X(Syrk, "gemm_f32")

namespace nautilus::metal {

Task BatchedGemm(BatchedGemmArgs& args);
Status Correlation(CorrelationArgs& args);
Status Covariance(CovarianceArgs& args);
Task Gemm(GemmArgs& args);
Task Gemv(GemvArgs& args);
Status QpProducts(QpProductsArgs& args);
Task Syrk(SyrkArgs& args);

}  // namespace nautilus::metal

#endif  // NAUTILUS_METAL_HOST_MATRIX_H_
