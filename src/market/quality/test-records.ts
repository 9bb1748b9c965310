// Records for tests: valid ones, of which a test says what is different.
import type { BarRecord, BookDelta, BookSnapshot, CorporateAction, Quote, Trade } from '../records.ts';
import { MINUTE_US } from '../sessions/days.ts';

/** 2024-06-04 00:00 UTC. */
export const START_US = 1_717_459_200_000_000;

const stamp = {
  symbol: 'TEST',
  source: 'test',
  tsEventUs: START_US,
  tsReceiveUs: START_US,
  sequence: null,
  flags: 0,
};
const scale = { price: 2, size: 3 };

/** Without a time of receipt of its own a record is received when it happens. */
function received<T extends { tsEventUs: number; tsReceiveUs: number }>(record: T, given: Partial<T>): T {
  return given.tsReceiveUs === undefined ? { ...record, tsReceiveUs: record.tsEventUs } : record;
}

export function trade(given: Partial<Trade>): Trade {
  const record: Trade = {
    ...stamp,
    kind: 'trade',
    scale,
    price: 100,
    size: 1,
    side: null,
    id: null,
    ...given,
  };
  return received(record, given);
}

export function quote(given: Partial<Quote>): Quote {
  const sides = { bid: 99, bidSize: 5, ask: 1001, askSize: 5 };
  return received({ ...stamp, kind: 'quote', scale, ...sides, ...given }, given);
}

export function bar(given: Partial<BarRecord>): BarRecord {
  const record: BarRecord = {
    ...stamp,
    kind: 'bar',
    unit: 'time',
    interval: MINUTE_US,
    open: 100,
    high: 101,
    low: 99,
    close: 100,
    volume: 10,
    trades: null,
    adjusted: [],
    ...given,
  };
  return received(record, given);
}

/** A flat bar of the minute `index` from the start. */
export function minuteBar(index: number, price: number): BarRecord {
  const tsEventUs = START_US + index * MINUTE_US;
  return bar({ tsEventUs, open: price, high: price, low: price, close: price });
}

export function delta(given: Partial<BookDelta>): BookDelta {
  const numbers = { firstSequence: null, previousSequence: null, checksum: null };
  return received(
    { ...stamp, kind: 'book_delta', scale, ...numbers, bids: [99, 1], asks: [], ...given },
    given,
  );
}

export function snapshot(given: Partial<BookSnapshot>): BookSnapshot {
  const levels = { bids: [99, 1], asks: [101, 1] };
  return received({ ...stamp, kind: 'book_snapshot', scale, checksum: null, ...levels, ...given }, given);
}

export function action(given: Partial<CorporateAction>): CorporateAction {
  const what = { action: 'split' as const, ratio: null, amount: null, renamedTo: null };
  return received({ ...stamp, kind: 'corporate_action', ...what, ...given }, given);
}
