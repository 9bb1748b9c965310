// What a model learns to tell: a label for each row, and until when its information reaches.
import { z } from 'zod';
import { columnOf, logReturn } from './features.ts';
import { type Frame, rowsOfSeries } from './frame.ts';

const column = z.string().min(1).max(64).default('close').describe('column of the data');
const horizon = (least: number) => z.int().min(least).max(100_000).describe('rows ahead');
const change = z.number().gt(-1).max(1e6);

/** What is predicted of a column, `horizon` rows of the same series ahead; or nothing. */
export const targetSchema = z.discriminatedUnion('kind', [
  z
    .strictObject({ kind: z.literal('none') })
    .describe('nothing: for families that find groups, give rows again, or make new ones'),
  z
    .strictObject({ kind: z.literal('value'), column, horizon: horizon(0).default(1) })
    .describe('the value itself; with horizon 0 that of the same row'),
  z
    .strictObject({ kind: z.literal('log_return'), column, horizon: horizon(1).default(1) })
    .describe('its logarithmic return'),
  z
    .strictObject({ kind: z.literal('direction'), column, horizon: horizon(1).default(1) })
    .describe('whether it is higher (class 1) or not (class 0)'),
  z
    .strictObject({
      kind: z.literal('signal'),
      column,
      horizon: horizon(1).default(1),
      buy_above: change.describe('simple return, as a fraction, above which a row is class 2, BUY'),
      sell_below: change.describe(
        'simple return below which it is class 0, SELL; between them class 1, HOLD',
      ),
    })
    .refine(({ buy_above, sell_below }) => buy_above > sell_below, {
      path: ['buy_above'],
      message: 'Expected a number above sell_below',
    })
    .describe('whether to sell, hold or buy: three classes'),
  z
    .strictObject({ kind: z.literal('volatility'), column, horizon: horizon(2) })
    .describe('the standard deviation of its log returns up to then'),
]);

/** A target with all its options. */
export type TargetSpec = z.output<typeof targetSchema>;
/** A target that is one. */
export type LabelSpec = Exclude<TargetSpec, { readonly kind: 'none' }>;

/** Names of the classes of a target, in order; null for numbers. */
export function classNames({ kind }: TargetSpec): readonly string[] | null {
  if (kind === 'signal') return ['SELL', 'HOLD', 'BUY'];
  return kind === 'direction' ? ['not higher', 'higher'] : null;
}

/** Labels of every row. */
export interface Targets {
  /** [rows]; NaN where the label is missing: near the end of a series, or next to a missing value. */
  readonly values: Float64Array;
  /** [rows]: time of the last information in the label, microseconds; the row's own time where it is missing. */
  readonly endUs: Float64Array;
  /** [rows]: simple return of the column over the span of the label; null for a value. */
  readonly returns: Float64Array | null;
  /** Two for a direction, three for a signal. */
  readonly classes: number | null;
}

/** Returns the labels of a frame. Throws InvalidOptionError for a column that the data does not have. */
export function computeTargets(frame: Frame, target: LabelSpec): Targets {
  const { kind, column, horizon } = target;
  const data = columnOf(frame, column);
  const values = new Float64Array(frame.rows).fill(Number.NaN);
  const endUs = Float64Array.from(frame.tsUs);
  const returns = kind === 'value' ? null : new Float64Array(frame.rows).fill(Number.NaN);
  for (const rows of rowsOfSeries(frame)) {
    for (let i = 0; i + horizon < rows.length; i++) {
      const [row, later] = [rows[i]!, rows[i + horizon]!];
      endUs[row] = frame.tsUs[later]!;
      const change = logReturn(data[row]!, data[later]!);
      if (returns) returns[row] = Math.expm1(change);
      if (kind === 'value') values[row] = data[later]!;
      else if (kind === 'log_return') values[row] = change;
      else if (kind === 'direction') values[row] = Number.isNaN(change) ? Number.NaN : Number(change > 0);
      else if (target.kind === 'signal') values[row] = signalOf(Math.expm1(change), target);
      else values[row] = deviation(data, rows, i, horizon);
    }
  }
  return { values, endUs, returns, classes: classNames(target)?.length ?? null };
}

// Class of a simple return; NaN stays NaN.
function signalOf(change: number, { buy_above, sell_below }: Extract<LabelSpec, { kind: 'signal' }>): number {
  if (Number.isNaN(change)) return change;
  return change > buy_above ? 2 : change < sell_below ? 0 : 1;
}

// Sample standard deviation of the one-row log returns after row `i`, `count` of them.
function deviation(data: Float64Array, rows: Uint32Array, i: number, count: number): number {
  const change = (k: number) => logReturn(data[rows[i + k - 1]!]!, data[rows[i + k]!]!);
  let sum = 0;
  for (let k = 1; k <= count; k++) sum += change(k);
  const mean = sum / count;
  let squares = 0;
  for (let k = 1; k <= count; k++) squares += (change(k) - mean) ** 2;
  return Math.sqrt(squares / (count - 1));
}
