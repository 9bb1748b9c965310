// The kernels of portfolios and their risk.
import { brinsonAttribution, factorAttribution } from './attribution.ts';
import { limitUsage } from './limits.ts';
import { scenarioPnl } from './scenarios.ts';

export { brinsonAttribution, factorAttribution } from './attribution.ts';
export { limitUsage } from './limits.ts';
export { scenarioPnl } from './scenarios.ts';

/** What a book may lose. */
export const exposureKernels = [scenarioPnl, limitUsage] as const;
/** Where a return came from. */
export const attributionKernels = [brinsonAttribution, factorAttribution] as const;

export const portfolioKernels = [...exposureKernels, ...attributionKernels] as const;
