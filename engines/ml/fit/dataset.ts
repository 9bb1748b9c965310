// Turns bars into rows of inputs and labels, and splits them in time without leaking the future.
import { InsufficientHistoryError, InvalidOptionError } from '../../../src/core/errors.ts';
import { FeatureStream, MODEL_INPUTS, modelInputs } from '../../../src/indicators/feature-set.ts';
import { assertNoLeak } from '../../../src/learning/validation/leak.ts';
import { planSplits, splitRows } from '../../../src/learning/validation/schemes.ts';
import type { Bar } from '../../../src/market/bar.ts';

/** Labelled rows in time order. */
export interface Dataset {
  /** [rows, columns], row-major. */
  readonly inputs: Float64Array;
  /** 1 where the close `horizon` bars later is above the row's close, else 0 (an equal close counts as 0). */
  readonly labels: Uint8Array;
  /** Logarithmic return of the close over the same `horizon` bars. */
  readonly returns: Float64Array;
  /** Time of each row's own bar, microseconds since the epoch. */
  readonly tsUs: Float64Array;
  readonly columns: number;
  readonly rows: number;
}

/**
 * Returns one row per bar that has all inputs and a bar exactly `horizon` intervals later: near a gap in the data a
 * label would reach over another span of time, so those bars give no row. Throws InvalidOptionError for a horizon < 1.
 */
export function buildDataset(bars: readonly Bar[], horizon: number): Dataset {
  if (!Number.isInteger(horizon) || horizon < 1)
    throw new InvalidOptionError('Expected a horizon of 1 bar or more');
  const stream = new FeatureStream();
  const columns = MODEL_INPUTS.length;
  const inputs: number[] = [];
  const labels: number[] = [];
  const returns: number[] = [];
  const tsUs: number[] = [];
  for (const [i, bar] of bars.entries()) {
    const row = modelInputs(bar, stream.update(bar));
    const later = bars[i + horizon];
    if (!row || !later || later.ts_event_us - bar.ts_event_us !== horizon * bar.interval_us) continue;
    inputs.push(...row);
    labels.push(later.close > bar.close ? 1 : 0);
    returns.push(Math.log(later.close / bar.close));
    tsUs.push(bar.ts_event_us);
  }
  return {
    inputs: Float64Array.from(inputs),
    labels: Uint8Array.from(labels),
    returns: Float64Array.from(returns),
    tsUs: Float64Array.from(tsUs),
    columns,
    rows: labels.length,
  };
}

/**
 * Returns the first `trainFraction` of the rows and the rest, with the last training rows left out whose labels look at
 * or past the first test bar (an embargo of `horizon` bars). Throws InsufficientHistoryError when a part is left empty.
 */
export function splitInTime(
  data: Dataset,
  trainFraction: number,
  horizonUs: number,
): { readonly train: Dataset; readonly test: Dataset } {
  const spans = { startUs: data.tsUs, endUs: data.tsUs.map((ts) => ts + horizonUs) };
  if (data.rows < 2) {
    throw new InsufficientHistoryError('Expected rows on both sides of the split', 2, data.rows);
  }
  const [plan] = planSplits({ kind: 'holdout', train_fraction: trainFraction, gap_us: 0 }, spans);
  const split = splitRows(plan!, spans);
  assertNoLeak(split, spans);
  // Rows of one series are in time order, so that both parts are ranges.
  const part = (rows: Uint32Array) => slice(data, rows[0]!, rows.at(-1)! + 1);
  return { train: part(split.train), test: part(split.test) };
}

function slice(data: Dataset, from: number, to: number): Dataset {
  return {
    inputs: data.inputs.slice(from * data.columns, to * data.columns),
    labels: data.labels.slice(from, to),
    returns: data.returns.slice(from, to),
    tsUs: data.tsUs.slice(from, to),
    columns: data.columns,
    rows: to - from,
  };
}
