// Plain scalar reference of each matrix kernel: what the fast ones are tested against. Never called by the
// addon.
#ifndef NAUTILUS_CPU_MATRIX_REFERENCE_H_
#define NAUTILUS_CPU_MATRIX_REFERENCE_H_

#include "core/kernel_args.h"
#include "core/status.h"

namespace nautilus::cpu::reference {

Status Gemm(GemmArgs& args);
Status Gemv(GemvArgs& args);
Status Syrk(SyrkArgs& args);
Status BatchedGemm(BatchedGemmArgs& args);
Status SolveSpd(SolveSpdArgs& args);
Status Cholesky(CholeskyArgs& args);
Status CholeskySolve(CholeskySolveArgs& args);
Status InverseSpd(InverseSpdArgs& args);
Status Covariance(CovarianceArgs& args);
Status Correlation(CorrelationArgs& args);
Status EigenSymmetric(EigenSymmetricArgs& args);
Status Svd(SvdArgs& args);
Status LeastSquares(LeastSquaresArgs& args);
Status Pca(PcaArgs& args);
Status LedoitWolf(LedoitWolfArgs& args);
Status NearestPsd(NearestPsdArgs& args);
Status QpProducts(QpProductsArgs& args);

}  // namespace nautilus::cpu::reference

#endif  // NAUTILUS_CPU_MATRIX_REFERENCE_H_
