// The classic families.
import type { Family } from '../family.ts';
import { dbscan } from './dbscan.ts';
import { hmm } from './hmm.ts';
import { kmeans } from './kmeans.ts';
import { logistic } from './logistic.ts';
import { ridge } from './ridge.ts';
import { elasticNet, lasso } from './sparse.ts';

export { type DbscanOptions, dbscan } from './dbscan.ts';
export { type HmmOptions, hmm } from './hmm.ts';
export { type KmeansOptions, kmeans } from './kmeans.ts';
export { type LogisticOptions, logistic } from './logistic.ts';
export { type RidgeOptions, ridge } from './ridge.ts';
export { type ElasticNetOptions, elasticNet, type LassoOptions, lasso } from './sparse.ts';

/** Every classic family. */
export const CLASSIC_FAMILIES = [
  ridge,
  lasso,
  elasticNet,
  logistic,
  kmeans,
  dbscan,
  hmm,
] as unknown as readonly Family[];
