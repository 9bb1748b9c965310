// How good groups and states are on rows that the fit never saw: apart from each other, lasting, found again, and of use for the next row.
import type { Scorer } from '../metrics/scorer.ts';
import type { Group } from '../score-group.ts';
import { GroupLaw, type Memberships } from './group-law.ts';
import { blockRowsOf, centred, centreOf, newestStep, type Parts, type Points, placeBefore } from './rows.ts';

/** The conventions of each score, in words. */
export const CLUSTERING_SCORES = {
  silhouette:
    'mean over the rows (1,000 evenly spread at most) of (b - a) / max(a, b): a the mean distance to its own group, b to the nearest other; newest step, in deviations of the fit; noise is left out',
  variance_explained:
    '1 - squared distance to the centre of the own group / to the mean of all; centres are those of the fit',
  persistence: 'share of rows whose group is that of the row before in its series',
  stability: 'adjusted Rand index of these groups and those of a model fitted on the later half of the fit',
  next_log_likelihood:
    'mean log-density of the newest step given the groups of the row before, nats: normal within a group, moves between groups as often as in the fit',
} as const;

/** Rows of a silhouette: each is compared with each. */
const SILHOUETTE_ROWS = 1000;

/** What groups are scored by. */
export interface ClusteringForecasts {
  /** Of the rows of the fit, and of the test rows. */
  readonly fit: Memberships;
  readonly test: Memberships;
  /** Of the test rows by the model of the later half; null where that could not be fitted. */
  readonly again: Memberships | null;
  /** Column that means "no group"; null where there is none. */
  readonly noise: number | null;
}

/** Returns the scores of groups beside one group for all rows, and beside groups that know nothing of the row before. */
export function clusteringGroup(parts: Parts, { fit, test, again, noise }: ClusteringForecasts): Group {
  const { data, steps } = parts;
  const first = newestStep(data, parts.fit, steps);
  const centre = centreOf(first);
  const fitted = centred(first, centre);
  const points = centred(newestStep(data, parts.test, steps), centre);
  const labels = labelsOf(test);
  const law = new GroupLaw(fitted, labelsOf(fit), fit.width, placeBefore(data, parts.fit));
  const before = placeBefore(data, parts.test);
  const rows = points.rows;
  const within = Float64Array.from(labels, (label, i) => law.squaredDistance(points, i, label));
  const whole = Float64Array.from(labels, (_, i) => law.squaredDistance(points, i, null));
  const silhouettes = silhouettesOf(points, labels, test.width, noise);
  const stays = Float64Array.from(labels, (label, i) =>
    before[i]! < 0 ? Number.NaN : Number(labels[before[i]!] === label),
  );
  const known = (density: (i: number) => number) =>
    Float64Array.from(labels, (_, i) => (before[i]! < 0 ? Number.NaN : density(i)));
  const next = known((i) => law.logDensityAfter(points, i, test, before[i]!));
  const memoryless = known((i) => law.logDensity(points, i));
  const alone = known((i) => law.logDensityOfOne(points, i));
  const others = again && labelsOf(again);
  const model: Scorer = {
    units: rows,
    score: (weights) => ({
      silhouette: meanOf(silhouettes, weights),
      variance_explained: 1 - ratio(within, whole, weights),
      persistence: meanOf(stays, weights),
      stability: others ? randIndex(labels, test.width, others, again.width, weights) : Number.NaN,
      next_log_likelihood: meanOf(next, weights),
    }),
  };
  const oneGroup: Scorer = {
    units: rows,
    score: (weights) => ({ variance_explained: 0, next_log_likelihood: meanOf(alone, weights) }),
  };
  const withoutMemory: Scorer = {
    units: rows,
    score: (weights) => ({
      persistence: chanceOfSame(labels, test.width, weights),
      next_log_likelihood: meanOf(memoryless, weights),
    }),
  };
  return {
    conventions: CLUSTERING_SCORES,
    blockRows: blockRowsOf(parts),
    sampleSize: rows,
    model,
    baselines: { one_group: oneGroup, without_memory: withoutMemory },
  };
}

/** Returns the likeliest group of each row; of equal ones the first. */
export function labelsOf({ output, width }: Memberships): Uint32Array {
  return Uint32Array.from({ length: output.length / width }, (_, row) => {
    let best = 0;
    for (let k = 1; k < width; k++) if (output[row * width + k]! > output[row * width + best]!) best = k;
    return best;
  });
}

/** Returns the weighted mean of what is known; NaN of nothing. */
function meanOf(values: Float64Array, weights: Float64Array): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!)) continue;
    sum += weights[i]! * values[i]!;
    total += weights[i]!;
  }
  return total > 0 ? sum / total : Number.NaN;
}

function ratio(above: Float64Array, below: Float64Array, weights: Float64Array): number {
  let [a, b] = [0, 0];
  for (let i = 0; i < above.length; i++) {
    a += weights[i]! * above[i]!;
    b += weights[i]! * below[i]!;
  }
  return b > 0 ? a / b : Number.NaN;
}

/** How often two rows drawn by themselves are of one group. */
function chanceOfSame(labels: Uint32Array, groups: number, weights: Float64Array): number {
  const counts = new Float64Array(groups);
  let total = 0;
  for (const [i, label] of labels.entries()) {
    counts[label]! += weights[i]!;
    total += weights[i]!;
  }
  return counts.reduce((sum, count) => sum + (count / total) ** 2, 0);
}

/**
 * Returns the silhouette of each row, its label below `groups`, NaN for rows left out: those of `noise`, and all but {@link SILHOUETTE_ROWS} evenly spread ones.
 * The only row of its group has 0. Source: Rousseeuw (1987); all NaN when there is but one group.
 */
export function silhouettesOf(
  points: Points,
  labels: Uint32Array,
  groups: number,
  noise: number | null,
): Float64Array {
  const { rows, columns, values } = points;
  const result = new Float64Array(rows).fill(Number.NaN);
  const among = [...labels.keys()].filter((i) => labels[i] !== noise);
  const taken = among.filter(
    (_, i) =>
      among.length <= SILHOUETTE_ROWS ||
      Math.floor((i * SILHOUETTE_ROWS) / among.length) !==
        Math.floor(((i - 1) * SILHOUETTE_ROWS) / among.length),
  );
  const sizes = new Float64Array(groups);
  for (const i of taken) sizes[labels[i]!]!++;
  if (sizes.filter((size) => size > 0).length < 2) return result;
  const sums = new Float64Array(groups);
  for (const i of taken) {
    sums.fill(0);
    for (const k of taken) {
      let square = 0;
      for (let c = 0; c < columns; c++) square += (values[i * columns + c]! - values[k * columns + c]!) ** 2;
      sums[labels[k]!]! += Math.sqrt(square);
    }
    const own = labels[i]!;
    if (sizes[own] === 1) {
      result[i] = 0;
      continue;
    }
    const inside = sums[own]! / (sizes[own]! - 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (let g = 0; g < groups; g++)
      if (g !== own && sizes[g]! > 0) nearest = Math.min(nearest, sums[g]! / sizes[g]!);
    const larger = Math.max(inside, nearest);
    result[i] = larger > 0 ? (nearest - inside) / larger : 0;
  }
  return result;
}

/**
 * Returns the adjusted Rand index of two groupings of weighted rows: 1 for equal ones, 0 on average for independent ones. Source: Hubert
 * and Arabie (1985); 1 where both have one group, as in scikit-learn.
 */
export function randIndex(
  a: Uint32Array,
  groupsOfA: number,
  b: Uint32Array,
  groupsOfB: number,
  weights: Float64Array,
): number {
  const table = new Float64Array(groupsOfA * groupsOfB);
  const [rowSums, columnSums] = [new Float64Array(groupsOfA), new Float64Array(groupsOfB)];
  let total = 0;
  for (let i = 0; i < a.length; i++) {
    const weight = weights[i]!;
    table[a[i]! * groupsOfB + b[i]!]! += weight;
    rowSums[a[i]!]! += weight;
    columnSums[b[i]!]! += weight;
    total += weight;
  }
  const pairs = (count: number) => (count * (count - 1)) / 2;
  const sum = (of: Float64Array) => of.reduce((all, count) => all + pairs(count), 0);
  const [both, ofA, ofB] = [sum(table), sum(rowSums), sum(columnSums)];
  const expected = (ofA * ofB) / pairs(total);
  const most = (ofA + ofB) / 2;
  return most === expected ? 1 : (both - expected) / (most - expected);
}
