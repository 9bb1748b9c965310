// The Monte Carlo kernels.
import { mcBasket } from './basket.ts';
import { mcOption } from './option.ts';
import { mcPortfolio } from './portfolio.ts';
import { normals, philoxUint32, sobol } from './random.ts';

export * from './basket.ts';
export * from './option.ts';
export * from './portfolio.ts';
export * from './random.ts';

export const monteCarloKernels = [mcBasket, mcOption, mcPortfolio, normals, philoxUint32, sobol] as const;
