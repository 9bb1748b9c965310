// The naive forecasts that a model has to beat, from the training rows of a split or from what was known at a row's time.
import type { ValidationData } from './data.ts';

/** Forecasts [rows, width] of the test rows, by name of the rule. */
export type Baselines = Readonly<Record<string, Float64Array>>;

/**
 * Returns the naive forecasts of the rows at `test`. Classification: `class_frequencies`, the shares of the classes among the
 * training rows (its predicted class is their majority). Regression: `train_mean`, and `last_value`, the newest target of the same
 * series whose label had ended at the row's own time (the training mean where none had).
 */
export function naiveForecasts(data: ValidationData, train: Uint32Array, test: Uint32Array): Baselines {
  const targets = data.targets!;
  if (data.classes !== undefined) {
    const shares = new Float64Array(data.classes);
    for (const row of train) shares[targets[row]!]! += 1 / train.length;
    const all = new Float64Array(test.length * data.classes);
    for (let i = 0; i < test.length; i++) all.set(shares, i * data.classes);
    return { class_frequencies: all };
  }
  let sum = 0;
  for (const row of train) sum += targets[row]!;
  const mean = sum / train.length;
  const known = lastKnown(data);
  return {
    train_mean: new Float64Array(test.length).fill(mean),
    last_value: Float64Array.from(test, (row) => (known[row]! < 0 ? mean : targets[known[row]!]!)),
  };
}

/** For each row, the row of the same series whose label ended last, at or before this row's time; -1 where there is none. */
function lastKnown({ rows, series, spans: { startUs, endUs } }: ValidationData): Int32Array {
  const byEnd = Uint32Array.from({ length: rows }, (_, i) => i).sort((a, b) => endUs[a]! - endUs[b]!);
  const newest = new Map<number, number>();
  const known = new Int32Array(rows);
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (; at < rows && endUs[byEnd[at]!]! <= startUs[row]!; at++) {
      newest.set(series?.[byEnd[at]!] ?? 0, byEnd[at]!);
    }
    // A label without any duration ends with its own row, which is no knowledge of the past.
    const found = newest.get(series?.[row] ?? 0) ?? -1;
    known[row] = found === row ? -1 : found;
  }
  return known;
}
