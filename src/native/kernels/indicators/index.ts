// Indicators that are kernels of their own.
import { rsi } from './rsi.ts';

export { rsi } from './rsi.ts';

export const indicatorKernels = [rsi] as const;
