// Bars of time as venues send them: five numbers from the start of an interval.
import type { BarRecord } from '../../../../src/market/records.ts';
import { type Fields, numberOf } from './fields.ts';

/** Where a bar comes from. */
export interface BarSource {
  readonly symbol: string;
  readonly source: string;
  /** Length in microseconds. */
  readonly interval: number;
  /** Null for history: the start of the bar then counts as the time of receipt. */
  readonly receivedUs: number | null;
}

/** Returns the bar that starts at `startUs`, of `open`, `high`, `low`, `close` and `volume` as they were sent. Throws {@link Unreadable}. */
export function timeBar(
  { symbol, source, interval, receivedUs }: BarSource,
  startUs: number,
  told: Fields,
  trades: number | null,
): BarRecord {
  return {
    kind: 'bar',
    symbol,
    source,
    tsEventUs: startUs,
    tsReceiveUs: receivedUs ?? startUs,
    sequence: null,
    flags: 0,
    unit: 'time',
    interval,
    open: numberOf(told.open, 'open'),
    high: numberOf(told.high, 'high'),
    low: numberOf(told.low, 'low'),
    close: numberOf(told.close, 'close'),
    volume: numberOf(told.volume, 'volume'),
    trades,
    adjusted: [],
  };
}
