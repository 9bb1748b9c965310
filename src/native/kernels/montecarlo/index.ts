// The Monte Carlo kernels.
import { mcOption } from './option.ts';
import { normals, philoxUint32, sobol } from './random.ts';

export const monteCarloKernels = [mcOption, normals, philoxUint32, sobol] as const;
