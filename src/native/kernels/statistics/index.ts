// The statistics kernels.
import * as columnSummaries from './column-summaries.ts';
import * as crossSection from './cross-section.ts';
import * as distributions from './distributions.ts';
import * as drawdowns from './drawdowns.ts';
import * as ewm from './ewm.ts';
import * as rollingMoments from './rolling-moments.ts';
import * as rollingOrder from './rolling-order.ts';
import * as rollingPairs from './rolling-pairs.ts';
import * as selection from './selection.ts';

export * from './column-summaries.ts';
export * from './cross-section.ts';
export * from './distributions.ts';
export * from './drawdowns.ts';
export * from './ewm.ts';
export * from './rolling-moments.ts';
export * from './rolling-order.ts';
export * from './rolling-pairs.ts';
export * from './selection.ts';

export const statisticsKernels = [
  ...Object.values(crossSection),
  ...Object.values(distributions),
  ...Object.values(drawdowns),
  ...Object.values(ewm),
  ...Object.values(rollingMoments),
  ...Object.values(rollingOrder),
  ...Object.values(rollingPairs),
  ...Object.values(selection),
  ...Object.values(columnSummaries),
] as const;
