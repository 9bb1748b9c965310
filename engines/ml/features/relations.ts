// Choices and correlations of the features of a table.
import { InsufficientHistoryError, InvalidOptionError } from '../../../src/core/errors.ts';
import { turn } from '../../../src/core/turn.ts';
import { faultOf, MIN_ROWS, type Unusable } from '../../../src/learning/selection/candidates.ts';
import {
  correlations,
  redundantGroups,
  strongestPairs,
} from '../../../src/learning/selection/correlation.ts';
import { selectFeatures } from '../../../src/learning/selection/select.ts';
import { columnOf, computeFeatures, type FeatureSpec } from '../../../src/learning/tables/features.ts';
import type { Frame } from '../../../src/learning/tables/frame.ts';
import { trainingSet } from '../../../src/learning/tables/training-set.ts';
import { correlation } from '../../../src/native/index.ts';
import {
  type CorrelationQuery,
  type CorrelationReply,
  MATRIX_COLUMNS,
  type SelectionReply,
  type SelectionRequest,
} from './schemas.ts';
import type { WorkControl } from './work-types.ts';

/** Most columns of a matrix, and most pairs times rows of Kendall's. */
const MAX_COLUMNS = 2000;
const MAX_KENDALL = 2e9;

/** Returns the features of a request: each column of the table but that of the target where it names none. */
export function selectedFrom(
  { features, target }: Pick<SelectionRequest, 'features' | 'target'>,
  columns: readonly string[],
): FeatureSpec[] {
  if (features) return features;
  const others = columns.filter((name) => target.kind === 'none' || name !== target.column);
  if (others.length > 0) return others.map((name) => ({ kind: 'value', column: name, lag: 0 }));
  const expected = 'features: the table has no column beside that of the target';
  throw new InvalidOptionError(`Expected ${expected}`, [{ pointer: '/features', expected }]);
}

/** Chooses features. Throws what `trainingSet` and `selectFeatures` throw. */
export async function select(
  request: SelectionRequest,
  frame: Frame,
  control: WorkControl,
): Promise<SelectionReply> {
  const { dataset_id, target, method, seed } = request;
  const features = selectedFrom(request, [...frame.columns.keys()]);
  const set = trainingSet(frame, features, target, { missing: 'keep' });
  await turn();
  const found = await selectFeatures(set, request, { seed, ...control });
  return {
    dataset_id,
    method,
    selected: [...found.selected],
    features: found.features.map((one) => ({ ...one, reason: one.reason })),
    rows: { ...found.rows },
    facts: { ...found.facts },
  };
}

/** Correlates columns of a table, or features of it. Throws InvalidOptionError (columns), InsufficientHistoryError. */
export async function correlate(
  query: Omit<CorrelationQuery, 'model_id'> & { readonly dataset_id: string },
  features: readonly FeatureSpec[] | null,
  frame: Frame,
  { signal }: WorkControl,
): Promise<CorrelationReply> {
  const { method, threshold, missing, dataset_id } = query;
  const all = columnsOf(frame, features, query.columns);
  const unusable: { name: string; reason: Unusable }[] = [];
  const usable = [...all].filter(([name, values]) => {
    const reason = faultOf(frame.rows, (row) => values[row]!);
    if (reason) unusable.push({ name, reason });
    return reason === null;
  });
  const rows =
    missing === 'pairwise'
      ? every(frame.rows)
      : every(frame.rows).filter((row) => usable.every(([, values]) => !Number.isNaN(values[row]!)));
  if (rows.length < MIN_ROWS) {
    const detail = `Expected at least ${MIN_ROWS} rows that miss no value, was ${rows.length} of ${frame.rows}`;
    throw new InsufficientHistoryError(detail, MIN_ROWS, rows.length);
  }
  const count = usable.length;
  if (method === 'kendall' && count * count * rows.length > MAX_KENDALL)
    throw columnsRefusal(`fewer columns for kendall on ${rows.length} rows: spearman takes them`);
  await turn();
  const matrix =
    count === 0
      ? new Float64Array(0)
      : missing === 'pairwise'
        ? await pairwise(usable, frame.rows, signal)
        : await correlations(gathered(usable, rows), rows.length, method, signal);
  const names = usable.map(([name]) => name);
  return {
    dataset_id,
    method,
    columns: names,
    rows: rows.length,
    incomplete: frame.rows - rows.length,
    matrix:
      count > MATRIX_COLUMNS ? null : names.map((_, a) => names.map((__, b) => told(matrix[a * count + b]!))),
    pairs: strongestPairs(matrix, count, query.pairs).map(({ a, b, value }) => ({
      a: names[a]!,
      b: names[b]!,
      correlation: value,
    })),
    groups: redundantGroups(matrix, count, threshold).map(([keep, ...rest]) => ({
      keep: names[keep!]!,
      redundant: rest.map((i) => names[i]!),
    })),
    unusable,
  };
}

const every = (rows: number) => Uint32Array.from({ length: rows }, (_, row) => row);
const told = (value: number) => (Number.isNaN(value) ? null : value);

function columnsOf(
  frame: Frame,
  features: readonly FeatureSpec[] | null,
  wanted: readonly string[] | undefined,
): Map<string, Float64Array> {
  let source = frame;
  if (features) {
    const { names, values } = computeFeatures(frame, features);
    const width = names.length;
    const column = (c: number) =>
      Float64Array.from({ length: frame.rows }, (_, row) => values[row * width + c]!);
    source = { ...frame, columns: new Map(names.map((name, c) => [name, column(c)])) };
  }
  const names = wanted ?? [...source.columns.keys()];
  if (new Set(names).size !== names.length) throw columnsRefusal('each column once');
  if (names.length < 2 || names.length > MAX_COLUMNS) throw columnsRefusal(`2 to ${MAX_COLUMNS} columns`);
  return new Map(names.map((name) => [name, columnOf(source, name)]));
}

function columnsRefusal(expected: string): InvalidOptionError {
  return new InvalidOptionError(`Expected ${expected}`, [{ pointer: 'query/columns', expected }]);
}

type Column = readonly [string, Float64Array];

/** Returns some rows of columns: [columns, rows]. */
function gathered(columns: readonly Column[], rows: Uint32Array): Float64Array {
  const values = new Float64Array(columns.length * rows.length);
  columns.forEach(([, column], i) => {
    for (let r = 0; r < rows.length; r++) values[i * rows.length + r] = column[rows[r]!]!;
  });
  return values;
}

async function pairwise(
  columns: readonly Column[],
  rows: number,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const assets = columns.length;
  const values = new Float64Array(rows * assets);
  columns.forEach(([, column], c) => {
    for (let r = 0; r < rows; r++) values[r * assets + c] = column[r]!;
  });
  const { out } = await correlation.async({ observations: rows, assets, values, minPairs: MIN_ROWS }, signal);
  return out;
}
