// The kernels of machine learning.
import { dbscan, kmeans } from './clusters.ts';
import { coordinateDescent } from './coordinate-descent.ts';
import { hmmFit, hmmStates } from './hidden-markov.ts';
import { linearLogLoss } from './log-loss.ts';
import { treeHistograms } from './tree-histograms.ts';

export { dbscan, kmeans } from './clusters.ts';
export { coordinateDescent } from './coordinate-descent.ts';
export { hmmFit, hmmStates } from './hidden-markov.ts';
export { linearLogLoss } from './log-loss.ts';
export { treeHistograms } from './tree-histograms.ts';

export const learningKernels = [
  treeHistograms,
  coordinateDescent,
  kmeans,
  dbscan,
  hmmFit,
  hmmStates,
  linearLogLoss,
] as const;
