// Bars of Interactive Brokers, asked for in parts of the length that it allows for each size, within its pace.
import type { IBApi } from '@stoqey/ib';
import {
  type NautilusError,
  NotFoundError,
  ProviderError,
  TooManyRequestsError,
} from '../../../../src/core/errors.ts';
import { parseTimestampUs } from '../../../../src/core/timestamps.ts';
import type { BarRecord } from '../../../../src/market/records.ts';
import { DAY_US, MINUTE_US, parseDay } from '../../../../src/market/sessions/days.ts';
import type { RateLimiter } from '../net/rate-limiter.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import { batches } from '../requests.ts';
import { finite, SkippedRows } from '../skipped.ts';
import { contractOf, nativeSymbol } from './contracts.ts';
import { awayError, type Gateway, type Sdk, TITLE } from './gateway.ts';

/** Names of sizes, and the longest part that may be asked for at once (TWS API, `Historical Data Limitations`). */
export const SIZES: Readonly<Record<number, readonly [size: string, duration: string, partUs: number]>> = {
  [MINUTE_US]: ['1 min', '1 D', DAY_US],
  [2 * MINUTE_US]: ['2 mins', '2 D', 2 * DAY_US],
  [3 * MINUTE_US]: ['3 mins', '1 W', 7 * DAY_US],
  [5 * MINUTE_US]: ['5 mins', '1 W', 7 * DAY_US],
  [15 * MINUTE_US]: ['15 mins', '1 W', 7 * DAY_US],
  [30 * MINUTE_US]: ['30 mins', '1 M', 28 * DAY_US],
  [60 * MINUTE_US]: ['1 hour', '1 M', 28 * DAY_US],
  [DAY_US]: ['1 day', '1 Y', 365 * DAY_US],
};
const ANSWER_MS = 60_000;
const NO_CONTRACT = 200;
const HISTORICAL = 162;

interface Row {
  readonly time: string;
  readonly cells: readonly [open: number, high: number, low: number, close: number, volume: number];
  readonly count: number | undefined;
}

/** Yields the finished bars of a range, part by part. `size` is of {@link SIZES}. */
export async function* bars(
  context: SourceContext,
  gateway: Gateway,
  limiter: RateLimiter,
  request: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly BarRecord[]> {
  const [size, duration, partUs] = SIZES[request.intervalUs!]!;
  const { contract, shown } = contractOf(request.nativeSymbol ?? nativeSymbol(request.symbol));
  const intervalUs = request.intervalUs!;
  const lastUs = Math.min(request.toUs, context.clock.nowUs() - intervalUs);
  const skipped = new SkippedRows();
  let toldUs = Number.NEGATIVE_INFINITY;
  for (let fromUs = request.fromUs; fromUs <= lastUs; fromUs += partUs) {
    await limiter.take(1, signal);
    const endUs = Math.min(fromUs + partUs, lastUs + intervalUs);
    const rows = await answer(context, gateway, signal, (api, sdk, id) =>
      api.reqHistoricalData(
        id,
        contract,
        endOf(endUs),
        duration,
        size as never,
        sdk.WhatToShow[shown],
        1,
        2,
        false,
      ),
    );
    const found: BarRecord[] = [];
    for (const row of rows) {
      const bar = barOf(request.symbol, intervalUs, contract.secType === 'STK', row);
      if (bar === null) skipped.skip('no time or number');
      else if (bar.tsEventUs > toldUs && bar.tsEventUs >= request.fromUs && bar.tsEventUs <= lastUs)
        found.push(bar);
    }
    found.sort((a, b) => a.tsEventUs - b.tsEventUs);
    toldUs = found.at(-1)?.tsEventUs ?? toldUs;
    yield* batches(found, signal);
  }
  skipped.tell(context.log, 'ib', request.symbol);
}

/** Asks once, and returns the rows up to the mark of the end. */
async function answer(
  context: SourceContext,
  gateway: Gateway,
  signal: AbortSignal,
  ask: (api: IBApi, sdk: Sdk, id: number) => void,
): Promise<Row[]> {
  const rows: Row[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const hear = (number: number, time: string, ...more: unknown[]) => {
    if (number !== id) return;
    if (time.startsWith('finished')) return resolve();
    const [open, high, low, close, volume, count] = more as [number, number, number, number, number, number];
    rows.push({ time, cells: [open, high, low, close, volume], count });
  };
  let leave = () => {};
  const id = gateway.open({
    failed: (code, message) => {
      if (code === HISTORICAL && /no data/i.test(message)) resolve();
      else reject(errorOf(code, message));
    },
    lost: (reason) => reject(awayError(reason)),
    ready: (api, sdk) => {
      api.on(sdk.EventName.historicalData, hear as never);
      leave = () => void api.removeListener(sdk.EventName.historicalData, hear as never);
      ask(api, sdk, id);
    },
  });
  const aborted = () => reject(signal.reason);
  signal.addEventListener('abort', aborted, { once: true });
  const cancel = context.timers.after(ANSWER_MS, () => reject(awayError(`no answer within ${ANSWER_MS} ms`)));
  try {
    await promise;
    return rows;
  } finally {
    cancel();
    leave();
    signal.removeEventListener('abort', aborted);
    gateway.close(id);
  }
}

function errorOf(code: number, message: string): NautilusError {
  if (code === NO_CONTRACT) return new NotFoundError(`${TITLE} has no such contract: ${message}`);
  if (/pacing violation/i.test(message))
    return new TooManyRequestsError(`The pace of ${TITLE} is exceeded: ${message}`, 15);
  return new ProviderError(`Expected bars from ${TITLE}, was refused with ${code}: ${message}`, TITLE, code);
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
