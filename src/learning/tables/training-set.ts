// From a table to rows that a family can fit: features, labels, their times, and what was left out and why.
import { InsufficientHistoryError, InvalidOptionError } from '../../core/errors.ts';
import type { ValidationData } from '../validation/data.ts';
import { type FeatureSpec, lookBack } from './features.ts';
import { type Frame, rowsOfSeries } from './frame.ts';
import { inputTable } from './input-rows.ts';
import { computeTargets, type TargetSpec } from './target.ts';

/** Rows with all that a fit needs. */
export interface TrainingSet {
  readonly data: ValidationData;
  /** Names of the inputs, in order. */
  readonly inputs: readonly string[];
  /** Rows that are not in `data`, by reason. */
  readonly leftOut: { readonly without_label: number; readonly without_features: number };
}

/** How rows are made. */
export interface SetOptions {
  /** `keep`: a row whose features are partly missing stays, for families that read NaN as "missing". */
  readonly missing?: 'drop' | 'keep';
  /** Rows of the same series that one input holds, the oldest first and the row itself last; 1 by default. */
  readonly steps?: number;
}

/** Fewest rows that are worth a fit. */
const MIN_ROWS = 20;
/** Most numbers of all inputs: 1 GiB of float32. */
const MAX_INPUTS = 2 ** 28;

/**
 * Returns the rows of a frame with features and a label. A row without any feature is never among them. Without a target there are no
 * labels, and the span of a row reaches to the last row of its series that reads some of the same data.
 * Throws InvalidOptionError (columns, too many inputs), InsufficientHistoryError under 20 rows.
 */
export function trainingSet(
  frame: Frame,
  features: readonly FeatureSpec[],
  target: TargetSpec,
  { missing = 'drop', steps = 1 }: SetOptions = {},
): TrainingSet {
  const table = inputTable(frame, features, steps);
  const { columns } = table;
  const labels = target.kind === 'none' ? null : computeTargets(frame, target);
  if (frame.rows * columns > MAX_INPUTS) {
    throw new InvalidOptionError(
      `Expected at most ${MAX_INPUTS} inputs, was ${frame.rows} rows of ${columns}`,
    );
  }
  const kept: number[] = [];
  const inputs = new Float32Array(frame.rows * columns);
  const leftOut = { without_label: 0, without_features: 0 };
  for (let row = 0; row < frame.rows; row++) {
    const input = inputs.subarray(kept.length * columns, (kept.length + 1) * columns);
    const known = table.fill(row, input);
    if (known === 0 || (known < columns && missing === 'drop')) leftOut.without_features++;
    else if (labels && !Number.isFinite(Math.fround(labels.values[row]!))) leftOut.without_label++;
    else kept.push(row);
  }
  if (kept.length < MIN_ROWS) {
    const what = labels ? 'features and a label' : 'features';
    throw new InsufficientHistoryError(
      `Expected at least ${MIN_ROWS} rows with ${what}, was ${kept.length} of ${frame.rows}`,
      MIN_ROWS,
      kept.length,
    );
  }
  const endUs = labels?.endUs ?? readUntil(frame, steps - 1 + Math.max(...features.map(lookBack)));
  const take = (of: Float64Array) => Float64Array.from(kept, (row) => of[row]!);
  return {
    inputs: table.names,
    leftOut,
    data: {
      inputs: inputs.slice(0, kept.length * columns),
      rows: kept.length,
      columns,
      ...(labels && { targets: Float32Array.from(kept, (row) => labels.values[row]!) }),
      ...(labels && labels.classes !== null && { classes: labels.classes }),
      ...(labels?.returns && { returns: take(labels.returns) }),
      series: Uint32Array.from(kept, (row) => frame.seriesOf[row]!),
      spans: { startUs: take(frame.tsUs), endUs: take(endUs) },
    },
  };
}

/** Returns for each row the time of the last row of its series that reads it too, when each reads `reach` rows before its own. */
function readUntil(frame: Frame, reach: number): Float64Array {
  const until = Float64Array.from(frame.tsUs);
  for (const rows of rowsOfSeries(frame)) {
    for (let i = 0; i < rows.length; i++)
      until[rows[i]!] = frame.tsUs[rows[Math.min(rows.length - 1, i + reach)]!]!;
  }
  return until;
}
