// The statistics kernels.
import * as rollingMoments from './rolling-moments.ts';

export * from './rolling-moments.ts';

export const statisticsKernels = [...Object.values(rollingMoments)] as const;
