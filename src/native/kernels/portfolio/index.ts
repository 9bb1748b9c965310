// The kernels of portfolios and their risk.
import { scenarioPnl } from './scenarios.ts';

export { scenarioPnl } from './scenarios.ts';

export const portfolioKernels = [scenarioPnl] as const;
