// Every kernel, by family; the order in a family is that of its table.
import type { Kernel } from '../kernel.ts';
import { learningKernels } from './learning/index.ts';
import { matrixKernels } from './matrix/index.ts';
import { monteCarloKernels } from './montecarlo/index.ts';
import { portfolioKernels } from './portfolio/index.ts';
import { statisticsKernels } from './statistics/index.ts';
import { systemKernels } from './system/index.ts';

/** The kernels of each family. */
export const FAMILIES = {
  matrix: matrixKernels,
  montecarlo: monteCarloKernels,
  statistics: statisticsKernels,
  portfolio: portfolioKernels,
  learning: learningKernels,
  system: systemKernels,
} as const satisfies Record<string, readonly Pick<Kernel, 'def'>[]>;

export type Family = keyof typeof FAMILIES;

/** All kernels, family by family. */
export const KERNELS: readonly Pick<Kernel, 'def'>[] = Object.values(FAMILIES).flat();
