// The kernels that measure the machine.
import { fmaChains, triad } from './probes.ts';

export { fmaChains, triad } from './probes.ts';

export const systemKernels = [triad, fmaChains] as const;
