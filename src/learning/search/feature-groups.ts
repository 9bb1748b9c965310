// Groups of features by their published names, made of the columns that a table has.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { type FeatureSpec, featureNames } from '../tables/features.ts';

/** Features that a search switches on and off together. */
export interface FeatureGroup {
  readonly name: string;
  readonly features: readonly FeatureSpec[];
}

/** A published name that a table has no columns for. */
export interface UnusedName {
  readonly name: string;
  readonly reason: string;
}

export const FEATURE_GROUPS = ['price', 'volume', 'technical', 'sentiment'] as const;
export type FeatureGroupName = (typeof FEATURE_GROUPS)[number];
export const featureGroupSchema = z
  .enum(FEATURE_GROUPS)
  .describe('group of features, of the columns that the table has; a search tries it on and off');

const returnOver = (column: string, periods: number) => ({ kind: 'log_return', column, periods }) as const;
const zScore = (column: string, window: number) => ({ kind: 'z_score', column, window }) as const;
const volatility = (column: string, window: number) => ({ kind: 'volatility', column, window }) as const;

/** What each group is made of where its columns are there; else what it misses. */
const MAKERS: Readonly<
  Record<FeatureGroupName, (columns: readonly string[]) => readonly FeatureSpec[] | string>
> = {
  price: (columns) =>
    columns.includes('close') ? [1, 2, 5, 10, 20].map((periods) => returnOver('close', periods)) : 'close',
  volume: (columns) =>
    columns.includes('volume') ? [5, 20, 60].map((window) => zScore('volume', window)) : 'volume',
  technical: (columns) => {
    if (!columns.includes('close')) return 'close';
    const bars = ['open', 'high', 'low'].every((name) => columns.includes(name));
    const windows = [5, 20, 60].map((window) => volatility('close', window));
    return [...(bars ? [{ kind: 'bars' } as const] : [zScore('close', 20), zScore('close', 60)]), ...windows];
  },
  sentiment: (columns) => {
    const own = columns.filter((name) => name.split('_').includes('sentiment'));
    return own.length > 0
      ? own.map((column) => ({ kind: 'value', column, lag: 0 }) as const)
      : 'sentiment, or one of such a name as news_sentiment';
  },
};

/**
 * Returns the groups that a table with these columns has, and of the names that it has not why. Throws InvalidOptionError when none is
 * left.
 */
export function featureGroups(
  names: readonly FeatureGroupName[],
  columns: readonly string[],
): { readonly groups: readonly FeatureGroup[]; readonly unused: readonly UnusedName[] } {
  const groups: FeatureGroup[] = [];
  const unused: UnusedName[] = [];
  for (const name of new Set(names)) {
    const made = MAKERS[name](columns);
    if (typeof made === 'string') unused.push({ name, reason: `Expected a column ${made}, was none` });
    else groups.push({ name, features: made });
  }
  if (groups.length === 0) {
    const expected = 'a group of features that the table has columns for';
    throw new InvalidOptionError(`Expected ${expected}, was none of ${names.join(', ')}`, [
      { pointer: '/search_space/features', expected },
    ]);
  }
  // Throws for a column of a table that would come twice.
  featureNames(groups.flatMap(({ features }) => features));
  return { groups, unused };
}
