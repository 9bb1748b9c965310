// The statistics kernels.
import * as crossSection from './cross-section.ts';
import * as ewm from './ewm.ts';
import * as rollingMoments from './rolling-moments.ts';
import * as rollingOrder from './rolling-order.ts';
import * as rollingPairs from './rolling-pairs.ts';

export * from './cross-section.ts';
export * from './ewm.ts';
export * from './rolling-moments.ts';
export * from './rolling-order.ts';
export * from './rolling-pairs.ts';

export const statisticsKernels = [
  ...Object.values(crossSection),
  ...Object.values(ewm),
  ...Object.values(rollingMoments),
  ...Object.values(rollingOrder),
  ...Object.values(rollingPairs),
] as const;
