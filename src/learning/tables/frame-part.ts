// Parts of a table.
import { InsufficientHistoryError } from '../../core/errors.ts';
import type { Frame } from './frame.ts';

/** Returns the rows later than `tsUs`. Throws InsufficientHistoryError where there are none. */
export function frameSince(frame: Frame, tsUs: number): Frame {
  const first = frame.tsUs.findIndex((ts) => ts > tsUs);
  if (first < 0)
    throw new InsufficientHistoryError(
      'Expected rows later than those that were learnt from, was none',
      1,
      0,
    );
  const { rows, series } = frame;
  return {
    rows: rows - first,
    tsUs: frame.tsUs.slice(first),
    series,
    seriesOf: frame.seriesOf.slice(first),
    columns: new Map([...frame.columns].map(([name, values]) => [name, values.slice(first)])),
  };
}
