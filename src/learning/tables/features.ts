// Features of a table by name: what training, validation, serving and the routes of features all compute, in one place.
import { InvalidOptionError } from '../../core/errors.ts';
import { compute } from '../../indicators/compute.ts';
import { INPUTS, type InputName } from '../../indicators/define.ts';
import { FeatureStream, modelInputs } from '../../indicators/feature-set.ts';
import { columnFeature } from './column-features.ts';
import { type FeatureSpec, featureNames, indicatorOf, namesOf, type SpecOf } from './feature-specs.ts';
import { type Frame, rowsOfSeries } from './frame.ts';

export { logReturn } from './column-features.ts';
export {
  dependsOnStart,
  FEATURE_KINDS,
  type FeatureSpec,
  featureNames,
  featureSchema,
  lookBack,
} from './feature-specs.ts';

/** Inputs of a model, row by row. */
export interface Features {
  /** Names of the columns, in order. */
  readonly names: readonly string[];
  /** [rows, names.length], row-major; NaN where a feature has no value yet. */
  readonly values: Float64Array;
}

/** Writes the columns of one feature, for the rows of one series. */
type Compute = (rows: Uint32Array, put: (row: number, offset: number, value: number) => void) => void;

/**
 * Returns the features of every row of a frame. Each series is computed by itself, from its first row on; only `cross_section` compares
 * the series of one time. A missing value, and a price that is not positive where a logarithm is needed, give NaN; an indicator passes
 * over a row of which it misses a column, as it would on the stream.
 * Throws InvalidOptionError for a column that the data does not have, and for two features of one name.
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
    if (spec.kind === 'cross_section') crossSection(frame, spec, put);
    else {
      const of = computeOf(frame, spec);
      for (const rows of series) of(rows, put);
    }
    at += namesOf(spec).length;
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

function computeOf(frame: Frame, spec: Exclude<FeatureSpec, SpecOf<'cross_section'>>): Compute {
  if (spec.kind === 'bars') return barFeatures(frame);
  if (spec.kind === 'indicator') return indicatorFeature(frame, spec);
  const data = columnOf(frame, spec.column);
  const to = spec.kind === 'ratio' ? columnOf(frame, spec.to) : data;
  const of = (column: Float64Array, rows: Uint32Array) => Float64Array.from(rows, (row) => column[row]!);
  return (rows, put) =>
    columnFeature(spec, of(data, rows), of(to, rows)).forEach((value, i) => {
      put(rows[i]!, 0, value);
    });
}

function barFeatures(frame: Frame): Compute {
  const [open, high, low, close] = ['open', 'high', 'low', 'close'].map((name) => columnOf(frame, name));
  const volume = frame.columns.get('volume');
  return (rows, put) => {
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
  };
}

function indicatorFeature(frame: Frame, spec: SpecOf<'indicator'>): Compute {
  const { def, options, outputs } = indicatorOf(spec);
  const { lag, relative } = spec;
  const base = columnOf(frame, spec.column);
  const columns = INPUTS.filter((name) => def.inputs.includes(name)).map(
    (name): [InputName, Float64Array] => [name, name === 'close' ? base : columnOf(frame, name)],
  );
  return (rows, put) => {
    const whole = rows.filter((row) => columns.every(([, values]) => Number.isFinite(values[row]!)));
    if (whole.length === 0) return;
    const inputs = columns.map(([name, values]) => [name, Float64Array.from(whole, (row) => values[row]!)]);
    const computed = compute(def, options, Object.fromEntries(inputs) as Record<InputName, Float64Array>);
    for (const [offset, output] of outputs.entries()) {
      const values = computed[output]!;
      for (let i = lag; i < whole.length; i++) {
        const value = relative ? values[i - lag]! / base[whole[i - lag]!]! : values[i - lag]!;
        if (Number.isFinite(value)) put(whole[i]!, offset, value);
      }
    }
  };
}

// Rows of one time stand together in a frame.
function crossSection(
  frame: Frame,
  { of, method }: SpecOf<'cross_section'>,
  put: Parameters<Compute>[1],
): void {
  const { names, values } = computeFeatures(frame, [of]);
  const width = names.length;
  for (let from = 0; from < frame.rows; ) {
    let to = from + 1;
    while (to < frame.rows && frame.tsUs[to] === frame.tsUs[from]) to++;
    for (let offset = 0; offset < width; offset++) {
      const known: number[] = [];
      for (let row = from; row < to; row++)
        if (Number.isFinite(values[row * width + offset]!)) known.push(row);
      const numbers = known.map((row) => values[row * width + offset]!);
      const compared = method === 'rank' ? ranks(numbers) : standardised(numbers);
      for (const [i, row] of known.entries()) put(row, offset, compared[i]!);
    }
    from = to;
  }
}

/** As pandas' `rank(pct=True)`; alone, a series stands nowhere. */
function ranks(values: readonly number[]): number[] {
  if (values.length < 2) return values.map(() => Number.NaN);
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const found = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) found[order[i]!] = (from + to + 1) / 2 / values.length;
    from = to;
  }
  return found;
}

/** Alone, a series stands nowhere; equal ones stand at 0. */
function standardised(values: readonly number[]): number[] {
  if (values.length < 2) return values.map(() => Number.NaN);
  if (values.every((value) => value === values[0])) return values.map(() => 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  return values.map((value) => (deviation > 0 ? (value - mean) / deviation : 0));
}
