// The classic families.
import type { Family } from '../family.ts';
import { logistic } from './logistic.ts';
import { ridge } from './ridge.ts';

export { type LogisticOptions, logistic } from './logistic.ts';
export { type RidgeOptions, ridge } from './ridge.ts';

/** Every classic family, by name. */
export const CLASSIC_FAMILIES: readonly Family[] = [ridge as Family, logistic as Family];
