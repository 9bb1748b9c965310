// The fixed data sets as tables of a search, and the spaces that their trials go over.
import { defaultPoint, defaultSpace } from '../../src/learning/search/default-spaces.ts';
import type { TrialCandidate } from '../../src/learning/search/evaluate.ts';
import { optionsOf } from '../../src/learning/search/mappings.ts';
import {
  type SearchTable,
  searchTable,
  TRAIN_FRACTION,
  WATCH_FRACTION,
} from '../../src/learning/search/table.ts';
import type { Point, Space } from '../../src/learning/search/types.ts';
import { targetSchema } from '../../src/learning/tables/target.ts';
import { takeRows } from '../../src/learning/validation/data.ts';
import { schemeSchema } from '../../src/learning/validation/schemes.ts';
import type { TreeSet } from './tree-sets.ts';

/** A day: the unit of times is of no matter. */
const UNIT_US = 86_400e6;

/** Returns the rows of a set, its test rows held back. */
export function tableOf({ training, test, columns, objective, ahead }: TreeSet): SearchTable {
  const rows = training.rows + test.rows;
  const join = <A extends Float32Array | Float64Array>(into: A, one: A, other: A): A => {
    into.set(one);
    into.set(other, one.length);
    return into;
  };
  const times = join(new Float64Array(rows), training.times, test.times);
  const binary = objective === 'binary';
  const features = Array.from(
    { length: columns },
    (_, at) => ({ kind: 'value', column: `c${at}`, lag: 0 }) as const,
  );
  const data = {
    inputs: join(new Float32Array(rows * columns), training.inputs, test.inputs),
    targets: join(new Float32Array(rows), training.targets, test.targets),
    rows,
    columns,
    ...(binary && { classes: 2 }),
    spans: {
      startUs: times.map((time) => time * UNIT_US),
      endUs: times.map((time) => (time + ahead) * UNIT_US),
    },
  };
  return searchTable(
    {
      data,
      inputs: features.map(({ column }) => column),
      leftOut: { without_label: 0, without_features: 0 },
    },
    {
      groups: [{ name: 'all', features }],
      target: targetSchema.parse({ kind: binary ? 'direction' : 'value' }),
      scheme: schemeSchema.parse({ kind: 'holdout', train_fraction: TRAIN_FRACTION }),
      metric: binary ? 'log_loss' : 'rmse',
      costBps: 0,
      testFraction: test.rows / rows,
      watchFraction: WATCH_FRACTION,
    },
  );
}

/** What is searched over: the family first, then the settings of each. */
export function spaceOf(families: readonly string[]): {
  readonly space: Space;
  readonly first: readonly Point[];
} {
  const space = families.flatMap((family) =>
    defaultSpace(family).map((dimension) => ({
      ...dimension,
      name: `${family}.${dimension.name}`,
      when: { dimension: 'family', values: [family] },
    })),
  );
  const first = families.map((family) => ({ family, ...named(family, defaultPoint(family)) }));
  return { space: [{ kind: 'choice', name: 'family', values: families }, ...space], first };
}

const named = (family: string, point: Point): Point =>
  Object.fromEntries(Object.entries(point).map(([name, value]) => [`${family}.${name}`, value]));

/** Returns what a point tries. */
export function candidateOf(point: Point): TrialCandidate {
  const family = String(point.family);
  const own = Object.entries(point).filter(([name]) => name.startsWith(`${family}.`));
  const settings = Object.fromEntries(own.map(([name, value]) => [name.slice(family.length + 1), value]));
  return { family, options: optionsOf(family, settings) };
}

/** Writes the parts of a table as bench/rivals/search_rival.py reads them: fitted, measured on, held back. Resolves to the file. */
export async function fileOf(table: SearchTable, file: string): Promise<string> {
  const [split] = table.splits;
  const parts = [
    takeRows(table.data, split!.train),
    takeRows(table.data, split!.test),
    takeRows(table.set.data, table.outer.test),
  ];
  const head = new Int32Array([
    ...parts.map(({ rows }) => rows),
    table.data.columns,
    Number(table.task === 'classification'),
  ]);
  const arrays = parts.flatMap(({ inputs, targets }) => [inputs, targets!]);
  await Bun.write(file, new Blob([head, ...arrays] as Float32Array<ArrayBuffer>[]));
  return file;
}
