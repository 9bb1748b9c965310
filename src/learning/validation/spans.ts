// The span of time that each label speaks of: what purging, embargo and the refusal of leaks go by.
import { InvalidOptionError, NonFiniteInputError, ShapeMismatchError } from '../../core/errors.ts';
import { LeakError } from '../errors.ts';

/** When each row happens and until when its label looks; microseconds since the epoch, rows in time order. */
export interface LabelSpans {
  /** [rows], never falling: the row's own time, at which its features are known and from which its label looks ahead. */
  readonly startUs: Float64Array;
  /** [rows], at or after `startUs`: the time of the last information in the label (the close that it compares with). */
  readonly endUs: Float64Array;
  /** [rows] or [rows, columns], row-major: the time of the newest information in a row's features, or in each of them. */
  readonly asOfUs?: Float64Array;
}

/**
 * Checks spans: throws ShapeMismatchError for lengths that differ, NonFiniteInputError, InvalidOptionError for rows out of time
 * order or a label that ends before its row, LeakError for a feature from after its row's own time.
 */
export function checkSpans({ startUs, endUs, asOfUs }: LabelSpans): void {
  const rows = startUs.length;
  if (rows === 0) throw new InvalidOptionError('Expected at least one row');
  if (endUs.length !== rows) {
    throw new ShapeMismatchError(`Expected ${rows} ends of labels, one for each row, was ${endUs.length}`);
  }
  for (let row = 0; row < rows; row++) {
    const start = startUs[row]!;
    const end = endUs[row]!;
    if (!Number.isFinite(start) || !Number.isFinite(end)) {
      throw new NonFiniteInputError(`Expected finite times of labels, was not at row ${row}`);
    }
    if (end < start) {
      throw new InvalidOptionError(
        `Expected a label that ends at or after its row's time, did not at row ${row}`,
      );
    }
    if (row > 0 && start < startUs[row - 1]!) {
      throw new InvalidOptionError(`Expected rows in time order, was not at row ${row}`);
    }
  }
  if (asOfUs) checkAsOf(asOfUs, startUs);
}

function checkAsOf(asOfUs: Float64Array, startUs: Float64Array): void {
  const columns = asOfUs.length / startUs.length;
  if (!Number.isInteger(columns) || columns < 1) {
    throw new ShapeMismatchError(
      `Expected times of features [rows] or [rows, columns] for ${startUs.length} rows, was ${asOfUs.length} values`,
    );
  }
  for (let i = 0; i < asOfUs.length; i++) {
    const row = Math.floor(i / columns);
    // Written so that NaN, a time that nobody knows, is refused as well.
    if (asOfUs[i]! <= startUs[row]!) continue;
    const place = columns > 1 ? `row ${row}, column ${i % columns}` : `row ${row}`;
    throw new LeakError(`Expected features known at their row's own time, was later or unknown at ${place}`, {
      row,
    });
  }
}

/** Returns the spans of the rows at `rows` (ascending); times of features stay behind, they are checked already. */
export function takeSpans(spans: LabelSpans, rows: Uint32Array): LabelSpans {
  return {
    startUs: Float64Array.from(rows, (row) => spans.startUs[row]!),
    endUs: Float64Array.from(rows, (row) => spans.endUs[row]!),
  };
}

/**
 * Returns the most rows that begin within one label's span, both ends included: that many neighbours share information, so that
 * a block of a bootstrap has to be longer.
 */
export function overlappingRows({ startUs, endUs }: LabelSpans): number {
  let most = 1;
  for (let row = 0; row < startUs.length; row++) {
    most = Math.max(most, firstAfter(startUs, endUs[row]!) - row);
  }
  return most;
}

/** Returns the first index of ascending `times` whose value is above `time`. */
export function firstAfter(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
