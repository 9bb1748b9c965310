// Bars of Interactive Brokers, asked for in parts of the length that it allows for each size, within its pace.
import type { IBApi } from '@stoqey/ib';
import { parseTimestampUs } from '../../../../src/core/timestamps.ts';
import type { BarRecord } from '../../../../src/market/records.ts';
import { DAY_US, MINUTE_US, parseDay } from '../../../../src/market/sessions/days.ts';
import type { RateLimiter } from '../net/rate-limiter.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import { batches } from '../requests.ts';
import { finite, SkippedRows } from '../skipped.ts';
import { contractOf, nativeSymbol } from './contracts.ts';
import type { Gateway, Sdk } from './gateway.ts';
import { answerOf } from './request.ts';

/**
 * Names of sizes, and the parts that a range is asked for in, well within what IB answers at once (TWS API, `Historical Data Limitations`). IB goes
 * back from the end by sessions, of which one that has begun counts whole: the duration is a day longer than its part, so that a part
 * that ends within a session has its beginning too.
 */
export const SIZES: Readonly<Record<number, readonly [size: string, duration: string, partUs: number]>> = {
  [MINUTE_US]: ['1 min', '2 D', DAY_US],
  [2 * MINUTE_US]: ['2 mins', '3 D', 2 * DAY_US],
  [3 * MINUTE_US]: ['3 mins', '8 D', 7 * DAY_US],
  [5 * MINUTE_US]: ['5 mins', '8 D', 7 * DAY_US],
  [15 * MINUTE_US]: ['15 mins', '8 D', 7 * DAY_US],
  [30 * MINUTE_US]: ['30 mins', '29 D', 28 * DAY_US],
  [60 * MINUTE_US]: ['1 hour', '29 D', 28 * DAY_US],
  [DAY_US]: ['1 day', '1 Y', 364 * DAY_US],
};

interface Row {
  readonly time: string;
  readonly cells: readonly [open: number, high: number, low: number, close: number, volume: number];
  readonly count: number | undefined;
}

/** Yields the finished bars of a range, part by part. */
export async function* bars(
  context: SourceContext,
  gateway: Gateway,
  limiter: RateLimiter,
  request: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly BarRecord[]> {
  const { symbol } = request;
  const intervalUs = request.intervalUs!;
  const [size, duration, partUs] = SIZES[intervalUs]!;
  const { contract, shown } = contractOf(request.nativeSymbol ?? nativeSymbol(symbol));
  const lastUs = Math.min(request.toUs, context.clock.nowUs() - intervalUs);
  if (lastUs < request.fromUs) return;
  const finalUs = lastUs + intervalUs;
  const skipped = new SkippedRows();
  let toldUs = Number.NEGATIVE_INFINITY;
  // The connection stays between two parts.
  const held = gateway.open({ failed() {}, lost() {}, ready() {} });
  try {
    for (let fromUs = request.fromUs; fromUs < finalUs; fromUs += partUs) {
      await limiter.take(1, signal);
      const endUs = Math.min(fromUs + partUs, finalUs);
      const rows = await answerOf<Row>(context, gateway, signal, {
        hear: hearBars,
        ask: (api, { WhatToShow }, id) => {
          const end = endOf(endUs);
          api.reqHistoricalData(id, contract, end, duration, size as never, WhatToShow[shown], 1, 2, false);
        },
      });
      const found: BarRecord[] = [];
      for (const row of rows) {
        const bar = barOf(symbol, intervalUs, contract.secType === 'STK', row);
        if (bar === null) skipped.skip('no time or number');
        // A bar that the end of its part cuts is half of one: the next part has it whole.
        else if (
          bar.tsEventUs > toldUs &&
          bar.tsEventUs >= request.fromUs &&
          bar.tsEventUs + intervalUs <= endUs
        )
          found.push(bar);
      }
      found.sort((a, b) => a.tsEventUs - b.tsEventUs);
      toldUs = found.at(-1)?.tsEventUs ?? toldUs;
      yield* batches(found, signal);
    }
  } finally {
    gateway.close(held);
    skipped.tell(context.log, 'ib', symbol);
  }
}

function hearBars(
  api: IBApi,
  { EventName }: Sdk,
  id: number,
  take: (row: Row) => void,
  end: () => void,
): () => void {
  const hear = (number: number, time: string, ...more: unknown[]) => {
    if (number !== id) return;
    if (time.startsWith('finished')) return end();
    const [open, high, low, close, volume, count] = more as [number, number, number, number, number, number];
    take({ time, cells: [open, high, low, close, volume], count });
  };
  api.on(EventName.historicalData, hear as never);
  return () => void api.removeListener(EventName.historicalData, hear as never);
}

function barOf(symbol: string, intervalUs: number, split: boolean, row: Row): BarRecord | null {
  // Days come as `20240308`, other times as seconds since the epoch.
  const day = /^\d{8}$/.test(row.time) ? parseDay(row.time.replace(/(....)(..)(..)/, '$1-$2-$3')) : null;
  const us = day === null ? parseTimestampUs(row.time) : day * DAY_US;
  const [open, high, low, close, volume] = row.cells.map(finite);
  if (us === null || open == null || high == null || low == null || close == null) return null;
  return {
    kind: 'bar',
    symbol,
    source: 'ib',
    tsEventUs: us,
    tsReceiveUs: us,
    sequence: null,
    flags: 0,
    unit: 'time',
    interval: intervalUs,
    open,
    high,
    low,
    close,
    // -1 where there is none, as of currencies.
    volume: Math.max(0, volume ?? 0),
    trades: row.count !== undefined && row.count >= 0 ? row.count : null,
    adjusted: split ? ['split'] : [],
  };
}

/** `20240308-21:00:00`, in UTC. */
function endOf(us: number): string {
  return new Date(Math.ceil(us / 1e6) * 1000)
    .toISOString()
    .slice(0, 19)
    .replaceAll(/(\d{4})-(\d\d)-(\d\d)T/g, '$1$2$3-');
}
