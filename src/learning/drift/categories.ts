// Two categorical columns as shares of the same categories, the rare ones together.
import type { Shares } from './bins.ts';
import type { CategorySketch } from './category-sketch.ts';

/** Least expected count of a cell of chi-square (Cochran 1954). */
const EXPECTED = 5;
/** Unseen categories that a report names. */
const NAMED = 20;
/** What stands for categories that are rare or not counted; the brackets keep it apart from most names. */
export const OTHERS = '(others)';

interface Row {
  readonly name: string;
  readonly reference: number;
  readonly current: number;
}

/** Returns the counts of every category of either side, and of all that are not counted. */
function rowsOf(reference: CategorySketch, current: CategorySketch): Row[] {
  const names = new Set([...reference.counts.keys(), ...current.counts.keys()]);
  return Array.from(names, (name) => ({
    name,
    reference: reference.counts.get(name) ?? 0,
    current: current.counts.get(name) ?? 0,
  }));
}

/**
 * Returns the shares of both sides by category, the commonest first, with those together, last, that are expected fewer than 5 times on either side: they would make any
 * measure large by chance, and no chi-square test holds for them. Both sides have values.
 */
export function categoryShares(
  reference: CategorySketch,
  current: CategorySketch,
): Shares & { names: string[] } {
  const [n, m] = [reference.values, current.values];
  const expected = (row: Pick<Row, 'reference' | 'current'>) =>
    ((row.reference + row.current) * Math.min(n, m)) / (n + m);
  const all = rowsOf(reference, current);
  const kept = all
    .filter((row) => expected(row) >= EXPECTED)
    .sort((a, b) => b.reference + b.current - a.reference - a.current);
  const others = {
    name: OTHERS,
    reference: n - kept.reduce((sum, row) => sum + row.reference, 0),
    current: m - kept.reduce((sum, row) => sum + row.current, 0),
  };
  const uncounted = reference.error + current.error > 0;
  if (others.reference + others.current > 0) {
    const least = kept.at(-1);
    // What is too rare even together goes to the least of the others.
    if (least && expected(others) < EXPECTED && !uncounted) {
      kept[kept.length - 1] = {
        name: least.name,
        reference: least.reference + others.reference,
        current: least.current + others.current,
      };
    } else kept.push(others);
  }
  // What is not counted may have been anything: no difference of the others is certain.
  const error = reference.error / n + current.error / m;
  return {
    names: kept.map(({ name }) => name),
    reference: Float64Array.from(kept, (row) => row.reference / n),
    current: Float64Array.from(kept, (row) => row.current / m),
    errors: Float64Array.from(kept, (row) => (row === others && uncounted ? 1 : error)),
  };
}

/** Returns the categories that only the current side has, the commonest first. A reference that had too many to count them all knows none. */
export function unseenCategories(reference: CategorySketch, current: CategorySketch) {
  if (reference.error > 0) return { categories: [], rows: 0 };
  const unseen = rowsOf(reference, current)
    .filter((row) => row.reference === 0)
    .sort((a, b) => b.current - a.current);
  return {
    categories: unseen.slice(0, NAMED).map(({ name }) => name),
    rows: unseen.reduce((sum, { current: count }) => sum + count, 0),
  };
}
