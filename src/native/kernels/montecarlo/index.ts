// The Monte Carlo kernels.
import { mcOption } from './option.ts';

export const monteCarloKernels = [mcOption] as const;
