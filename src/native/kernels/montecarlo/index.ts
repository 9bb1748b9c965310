// The Monte Carlo kernels.
import { mcAmerican } from './american.ts';
import { mcBasket } from './basket.ts';
import { mcOption } from './option.ts';
import { mcPortfolio } from './portfolio.ts';
import { normals, philoxUint32, sobol } from './random.ts';

export * from './american.ts';
export * from './basket.ts';
export * from './option.ts';
export * from './portfolio.ts';
export * from './random.ts';

export const monteCarloKernels = [
  mcAmerican,
  mcBasket,
  mcOption,
  mcPortfolio,
  normals,
  philoxUint32,
  sobol,
] as const;
