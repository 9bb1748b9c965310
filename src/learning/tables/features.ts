// Features of a table by name: what training, validation and serving all read, defined once.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { FEATURE_BARS, FeatureStream, MODEL_INPUTS, modelInputs } from '../../indicators/feature-set.ts';
import { type Frame, rowsOfSeries } from './frame.ts';

const column = z.string().min(1).max(64).describe('column of the data');
const periods = (most: number, of: string) => z.int().min(1).max(most).default(1).describe(of);
const window = z
  .int()
  .min(2)
  .max(100_000)
  .default(20)
  .describe('rows of the same series that it looks back over, its own among them');

/** One feature, or the set of the engine's stream. A feature never looks at a later row. */
export const featureSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('bars') })
    .describe('the seven inputs of the stream, of columns open, high, low, close and volume'),
  z.strictObject({
    kind: z.literal('value'),
    column,
    lag: z.int().min(0).max(100_000).default(0).describe('rows back'),
  }),
  z.strictObject({
    kind: z.literal('log_return'),
    column,
    periods: periods(100_000, 'rows back that it is compared with'),
  }),
  z
    .strictObject({ kind: z.literal('volatility'), column, window })
    .describe('standard deviation of log returns of one row'),
  z
    .strictObject({ kind: z.literal('z_score'), column, window })
    .describe('distance from the mean of the window in its standard deviations'),
]);

/** A feature with all its options. */
export type FeatureSpec = z.output<typeof featureSchema>;

/** Inputs of a model, row by row. */
export interface Features {
  /** Names of the columns, in order. */
  readonly names: readonly string[];
  /** [rows, names.length], row-major; NaN where a feature has no value yet. */
  readonly values: Float64Array;
}

function namesOf(spec: FeatureSpec): readonly string[] {
  switch (spec.kind) {
    case 'bars':
      return MODEL_INPUTS;
    case 'value':
      return [spec.lag === 0 ? spec.column : `${spec.column}_lag_${spec.lag}`];
    case 'log_return':
      return [`${spec.column}_log_return_${spec.periods}`];
    case 'volatility':
      return [`${spec.column}_volatility_${spec.window}`];
    case 'z_score':
      return [`${spec.column}_z_score_${spec.window}`];
  }
}

/**
 * Returns how many rows of its series before its own a feature reads. Of `bars`, whose averages fade but never end, those after which
 * each has a value.
 */
export function lookBack(spec: FeatureSpec): number {
  switch (spec.kind) {
    case 'bars':
      return FEATURE_BARS;
    case 'value':
      return spec.lag;
    case 'log_return':
      return spec.periods;
    case 'volatility':
      return spec.window;
    case 'z_score':
      return spec.window - 1;
  }
}

/** Returns the names of the columns that `specs` give, in order. Throws InvalidOptionError for one that comes twice. */
export function featureNames(specs: readonly FeatureSpec[]): string[] {
  const names = specs.flatMap(namesOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InvalidOptionError(`Expected features of different names, was ${twice} twice`);
  return names;
}

/**
 * Returns the features of every row of a frame. Each series is computed by itself, from its first row on. A missing value, and a
 * price that is not positive where a logarithm is needed, give NaN.
 * Throws InvalidOptionError for a column that the data does not have.
 */
export function computeFeatures(frame: Frame, specs: readonly FeatureSpec[]): Features {
  const names = featureNames(specs);
  const values = new Float64Array(frame.rows * names.length).fill(Number.NaN);
  const series = rowsOfSeries(frame);
  let at = 0;
  for (const spec of specs) {
    const put = (row: number, offset: number, value: number) => {
      values[row * names.length + at + offset] = value;
    };
    const compute = computeOf(frame, spec, put);
    for (const rows of series) compute(rows);
    at += spec.kind === 'bars' ? MODEL_INPUTS.length : 1;
  }
  return { names, values };
}

/** Returns a column of a frame. Throws InvalidOptionError that lists the columns there are. */
export function columnOf(frame: Frame, name: string): Float64Array {
  const found = frame.columns.get(name);
  if (found) return found;
  const some = [...frame.columns.keys()].slice(0, 20).join(', ');
  throw new InvalidOptionError(`Expected a column of the data (${some}), was ${name}`);
}

type Put = (row: number, offset: number, value: number) => void;

function computeOf(frame: Frame, spec: FeatureSpec, put: Put): (rows: Uint32Array) => void {
  if (spec.kind !== 'bars') {
    const data = columnOf(frame, spec.column);
    return (rows) => columnFeature(spec, data, rows, put);
  }
  const prices = ['open', 'high', 'low', 'close'].map((name) => columnOf(frame, name));
  return (rows) => barFeatures(prices, frame.columns.get('volume'), rows, put);
}

function barFeatures(
  [open, high, low, close]: readonly Float64Array[],
  volume: Float64Array | undefined,
  rows: Uint32Array,
  put: Put,
): void {
  const stream = new FeatureStream();
  for (const row of rows) {
    const bar = {
      open: open![row]!,
      high: high![row]!,
      low: low![row]!,
      close: close![row]!,
      volume: volume?.[row] ?? 0,
    };
    // A bar with a missing price is passed over, as it would be on the stream.
    if (!Object.values(bar).every(Number.isFinite)) continue;
    const inputs = modelInputs(bar, stream.update(bar));
    for (let i = 0; inputs && i < inputs.length; i++) put(row, i, inputs[i]!);
  }
}

function columnFeature(
  spec: Exclude<FeatureSpec, { kind: 'bars' }>,
  data: Float64Array,
  rows: Uint32Array,
  put: Put,
): void {
  const x = Float64Array.from(rows, (row) => data[row]!);
  const give = (i: number, value: number) => put(rows[i]!, 0, Number.isFinite(value) ? value : Number.NaN);
  switch (spec.kind) {
    case 'value':
      for (let i = spec.lag; i < x.length; i++) give(i, x[i - spec.lag]!);
      return;
    case 'log_return':
      for (let i = spec.periods; i < x.length; i++) give(i, logReturn(x[i - spec.periods]!, x[i]!));
      return;
    case 'volatility': {
      const returns = x.map((value, i) => (i === 0 ? Number.NaN : logReturn(x[i - 1]!, value)));
      for (let i = spec.window; i < x.length; i++) give(i, moments(returns, i, spec.window).deviation);
      return;
    }
    case 'z_score':
      for (let i = spec.window - 1; i < x.length; i++) {
        const { mean, deviation } = moments(x, i, spec.window);
        give(i, deviation > 0 ? (x[i]! - mean) / deviation : 0);
      }
  }
}

/** Returns ln(to / from), NaN unless both are positive. */
export function logReturn(from: number, to: number): number {
  return from > 0 && to > 0 ? Math.log(to / from) : Number.NaN;
}

// Sample moments of the window that ends at `i`, two passes: exact enough for any scale, and a missing value makes both NaN.
function moments(x: Float64Array, i: number, size: number): { mean: number; deviation: number } {
  let sum = 0;
  for (let k = i - size + 1; k <= i; k++) sum += x[k]!;
  const mean = sum / size;
  let squares = 0;
  for (let k = i - size + 1; k <= i; k++) squares += (x[k]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / (size - 1)) };
}
