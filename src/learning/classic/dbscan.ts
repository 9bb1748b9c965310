// DBSCAN as a family: served by the core rows that stand for their clusters.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { dbscan as kernel } from '../../native/index.ts';
import type { Family } from '../family.ts';
import { cloudOf, distances, oneHot, standardise } from './clusters.ts';
import { floats, integers, node, servingModel } from './graph.ts';
import { checkTask, stopIfAborted } from './rows.ts';

const options = z.strictObject({
  eps: z
    .number()
    .min(1e-6)
    .max(1e6)
    .default(0.5)
    .describe('how near neighbours are: Euclidean, in deviations when standardised'),
  min_points: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(5)
    .describe('rows within eps, itself included, that make a row core'),
  max_served_points: z
    .int()
    .min(1)
    .max(4096)
    .default(1024)
    .describe('core rows at most that the served model looks among'),
  standardise,
});

/** Options of {@link dbscan}. */
export type DbscanOptions = z.output<typeof options>;

interface Cover {
  /** Rows, the first core row first. */
  readonly rows: readonly number[];
  /** Every core row is within this distance of one of them. */
  readonly radius: number;
}

/** Core rows that stand for all: always the one farthest from those before (Gonzalez 1985), until they are near enough. */
async function coverOf(
  values: Float64Array,
  columns: number,
  core: Uint8Array,
  most: number,
  enough: number,
  signal: AbortSignal | undefined,
): Promise<Cover> {
  const all = [...core.keys()].filter((row) => core[row] === 1);
  const far = new Float64Array(all.length).fill(Number.POSITIVE_INFINITY);
  const rows: number[] = [];
  let next = 0;
  let radius = Number.POSITIVE_INFINITY;
  while (rows.length < Math.min(most, all.length) && radius > enough) {
    const row = all[next]!;
    rows.push(row);
    next = 0;
    for (let i = 0; i < all.length; i++) {
      let square = 0;
      for (let j = 0; j < columns; j++)
        square += (values[all[i]! * columns + j]! - values[row * columns + j]!) ** 2;
      if (square < far[i]!) far[i] = square;
      if (far[i]! > far[next]!) next = i;
    }
    radius = Math.sqrt(far[next]!);
    if (rows.length % 32 === 0) {
      await Bun.sleep(0);
      stopIfAborted(signal);
    }
  }
  return { rows, radius };
}

/**
 * DBSCAN (Ester et al. 1996): see the kernel `dbscan`. The served model gives a row to the cluster of the nearest of the core rows
 * that it holds, or to noise, the last class, when that is farther than eps. Those lie within eps of every core row, so that core
 * rows and noise of the training data are served as they were found; rows at the border of a cluster may be served as noise, and
 * `served_agreement` says how many of all rows are served as they were found.
 */
export const dbscan: Family<DbscanOptions> = {
  name: 'dbscan',
  title: 'DBSCAN',
  tasks: ['clustering'],
  options,
  async fit(task, data, given, { signal, progress }) {
    checkTask(dbscan, task);
    const { standard, values, weights } = cloudOf(data, given.standardise, 1);
    const { rows, columns } = data;
    const { eps, min_points: minPoints, max_served_points: most } = given;
    const found = await kernel.async({ rows, columns, eps, minPoints, values, weights }, signal);
    const { labels, core } = found;
    const clusters = found.clusters[0]!;
    if (clusters === 0) {
      const expected = 'a larger eps or fewer min_points: no row has so many neighbours';
      throw new InvalidOptionError(`Expected ${expected}`, [
        { pointer: '/eps', expected, received: 'no cluster' },
      ]);
    }
    const cover = await coverOf(values, columns, core, most, eps / 4, signal);
    if (cover.radius > eps) {
      const expected = 'more max_served_points or a larger eps: too few to be near all core rows';
      throw new InvalidOptionError(`Expected ${expected}`, [
        { pointer: '/max_served_points', expected, received: `${most}` },
      ]);
    }
    const points = Float64Array.from({ length: cover.rows.length * columns }, (_, i) => {
      return values[cover.rows[Math.floor(i / columns)]! * columns + (i % columns)]!;
    });
    const owners = cover.rows.map((row) => labels[row]!);
    const near = distances(points, columns, 'distances');
    const last = oneHot('placed', clusters + 1);
    const entry = { fraction: 1, step: 1, loss: labels.filter((label) => label < 0).length / rows };
    progress?.(entry);
    return {
      model: servingModel(columns, standard, {
        name: 'dbscan',
        doc: 'DBSCAN: 1 for the cluster of the nearest core row within eps, else for noise, the last class',
        width: clusters + 1,
        nodes: [
          ...near.nodes,
          node('ArgMin', ['distances'], 'nearest', { axis: { int: 1 }, keepdims: { int: 0 } }),
          // From the difference itself: what the products leave of a small distance is too little for eps.
          node('Gather', ['centres', 'nearest'], 'centre'),
          node('Sub', ['standard', 'centre'], 'apart'),
          node('ReduceSumSquare', ['apart', 'across'], 'square', { keepdims: { int: 0 } }),
          node('LessOrEqual', ['square', 'limit'], 'inside'),
          node('Gather', ['owners', 'nearest'], 'owner'),
          node('Where', ['inside', 'owner', 'noise'], 'label'),
          node('Unsqueeze', ['label', 'across'], 'placed'),
          ...last.nodes,
        ],
        constants: [
          ...near.constants,
          floats('centres', points, [cover.rows.length, columns]),
          floats('limit', [eps * eps], []),
          integers('owners', owners, [owners.length]),
          integers('noise', [clusters], []),
          integers('across', [1], [1]),
          ...last.constants,
        ],
      }),
      history: [entry],
      noise: clusters,
      facts: {
        clusters,
        noise_rows: labels.filter((label) => label < 0).length,
        core_rows: core.reduce((sum, value) => sum + value, 0),
        served_points: cover.rows.length,
        served_agreement: agreement(values, columns, labels, points, owners, eps),
        constant_columns: standard.constant,
      },
    };
  },
};

/** Returns the share of rows whose label is that of the nearest point within eps. */
function agreement(
  values: Float64Array,
  columns: number,
  labels: Int32Array,
  points: Float64Array,
  owners: readonly number[],
  eps: number,
): number {
  let same = 0;
  for (let i = 0; i < labels.length; i++) {
    let best = Number.POSITIVE_INFINITY;
    let owner = -1;
    for (let k = 0; k < owners.length; k++) {
      let square = 0;
      for (let j = 0; j < columns; j++) square += (values[i * columns + j]! - points[k * columns + j]!) ** 2;
      if (square < best) {
        best = square;
        owner = owners[k]!;
      }
    }
    if ((best <= eps * eps ? owner : -1) === labels[i]) same++;
  }
  return same / labels.length;
}
