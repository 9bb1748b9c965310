// The matrix kernels.
import { solveSpd } from './cholesky.ts';
import { correlation, covariance } from './moments.ts';
import { gemm } from './products.ts';

export { solveSpd } from './cholesky.ts';
export { correlation, covariance } from './moments.ts';
export { gemm } from './products.ts';

export const matrixKernels = [gemm, solveSpd, covariance, correlation] as const;
