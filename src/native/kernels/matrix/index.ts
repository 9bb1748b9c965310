// The matrix kernels.
import { cholesky, choleskySolve, inverseSpd, solveSpd } from './cholesky.ts';
import { eigenSymmetric, eigenvaluesSymmetric, leastSquares, svd } from './decompositions.ts';
import { ledoitWolf, nearestPsd, pca } from './estimates.ts';
import { correlation, covariance } from './moments.ts';
import { batchedGemm, gemm, gemv, syrk } from './products.ts';
import { qpProducts } from './quadratic.ts';

export { cholesky, choleskySolve, inverseSpd, solveSpd } from './cholesky.ts';
export { eigenSymmetric, eigenvaluesSymmetric, leastSquares, svd } from './decompositions.ts';
export { ledoitWolf, nearestPsd, pca } from './estimates.ts';
export { correlation, covariance } from './moments.ts';
export { batchedGemm, gemm, gemv, syrk } from './products.ts';
export { qpProducts } from './quadratic.ts';

export const matrixKernels = [
  gemm,
  gemv,
  syrk,
  batchedGemm,
  solveSpd,
  cholesky,
  choleskySolve,
  inverseSpd,
  covariance,
  correlation,
  eigenSymmetric,
  eigenvaluesSymmetric,
  svd,
  leastSquares,
  pca,
  ledoitWolf,
  nearestPsd,
  qpProducts,
] as const;
