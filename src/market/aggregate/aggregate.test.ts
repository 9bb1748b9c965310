// Bars from trades: what ends each kind, and laws that hold for all of them.
import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { sharedData } from '../../../test/shared-data.ts';
import { InvalidOptionError } from '../../core/errors.ts';
import { START_US, trade } from '../quality/test-records.ts';
import type { BarRecord } from '../records.ts';
import { calendarById } from '../sessions/calendars.ts';
import { DAY_US, MINUTE_US } from '../sessions/days.ts';
import { barsOfTrades, TradeAggregator } from './aggregator.ts';
import type { AggregateBar, TradeColumns } from './columns.ts';
import type { BarSpecInput } from './spec.ts';
import { TradeBars } from './trade-bars.ts';

const at = (text: string) => Date.parse(text) * 1000;
const us = calendarById('us-equities');

function columns(
  rows: readonly (readonly [ts: number, price: number, size: number, side?: number])[],
): TradeColumns {
  return {
    tsUs: Float64Array.from(rows, (row) => row[0]),
    price: Float64Array.from(rows, (row) => row[1]),
    size: Float64Array.from(rows, (row) => row[2]),
    side: Int8Array.from(rows, (row) => row[3] ?? 0),
  };
}

/** Returns bars as rows of numbers: time, open, high, low, close, volume, trades. */
function rows(spec: BarSpecInput, trades: TradeColumns): number[][] {
  const { bars } = barsOfTrades(trades, spec);
  return Array.from({ length: bars.count }, (_, i) =>
    [bars.tsUs, bars.open, bars.high, bars.low, bars.close, bars.volume, bars.trades].map((c) => c[i]!),
  );
}

describe('bars of', () => {
  const trades = columns([
    [START_US, 10, 1],
    [START_US + 10e6, 12, 2],
    [START_US + 59_999_999, 9, 1],
    [START_US + 60e6, 11, 4],
    [START_US + 200e6, 10, 1],
  ]);

  test('time begin at whole intervals and leave out those without trades', () => {
    expect(rows({ unit: 'time', interval: MINUTE_US }, trades)).toEqual([
      [START_US, 10, 12, 9, 9, 4, 3],
      [START_US + MINUTE_US, 11, 11, 11, 11, 4, 1],
      [START_US + 3 * MINUTE_US, 10, 10, 10, 10, 1, 1],
    ]);
  });

  test('weeks begin on Monday', () => {
    const [week] = rows({ unit: 'time', interval: 7 * DAY_US }, trades);
    expect(week![0]).toBe(at('2024-06-03T00:00:00Z'));
  });

  test('ticks, volume and notional end with the trade that reaches the threshold, whole', () => {
    const of = (spec: BarSpecInput) => rows(spec, trades).map((row) => row.slice(1));
    expect(of({ unit: 'tick', interval: 2 })).toEqual([
      [10, 12, 10, 12, 3, 2],
      [9, 11, 9, 11, 5, 2],
      [10, 10, 10, 10, 1, 1],
    ]);
    expect(of({ unit: 'volume', interval: 3 })).toEqual([
      [10, 12, 10, 12, 3, 2],
      [9, 11, 9, 11, 5, 2],
      [10, 10, 10, 10, 1, 1],
    ]);
    expect(of({ unit: 'dollar', interval: 40 })).toEqual([
      [10, 12, 9, 9, 4, 3],
      [11, 11, 11, 11, 4, 1],
      [10, 10, 10, 10, 1, 1],
    ]);
  });

  test('imbalance end when one side has run ahead', () => {
    const spec: BarSpecInput = { unit: 'imbalance', interval: 3, expected_trades: 6 };
    const sides = [1, -1, 1, 1, 1, -1, -1, 1];
    const run = columns(sides.map((side, i) => [START_US + i, 10, 1, side]));
    // +1 0 1 2 3: the first ends with the fifth trade. Then 5.9 trades of about 0.5: a threshold near 3 again, not reached.
    expect(rows(spec, run).map((row) => row[6])).toEqual([5, 3]);
  });

  test('imbalance without sides go by the tick rule, an unchanged price keeps the sign', () => {
    const spec: BarSpecInput = { unit: 'imbalance', interval: 4, expected_trades: 8 };
    const run = columns([10, 11, 11, 11, 12, 11, 10, 9, 9].map((price, i) => [START_US + i, price, 1]));
    // +1 +1 +1 +1 = 4 after four trades.
    expect(rows(spec, run)[0]![6]).toBe(4);
  });

  test('imbalance keep their threshold within the bounds however trades run', () => {
    const spec: BarSpecInput = { unit: 'imbalance', interval: 10, growth: 2, trades_span: 5, bars_span: 1 };
    const run = columns(Array.from({ length: 5000 }, (_, i) => [START_US + i, 10, 1, 1]));
    const sizes = rows(spec, run)
      .slice(0, -1)
      .map((row) => row[6]!);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(20);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5);
  });
});

test('volumes are the decimals that sizes add up to, and reach their threshold as those do', () => {
  const sizes = [0.7, 0.1, 0.2, 0.3];
  const trades = columns(sizes.map((size, i) => [START_US + i, 10, size]));
  expect(rows({ unit: 'volume', interval: 1 }, trades).map((row) => row.slice(5))).toEqual([
    [1, 3],
    [0.3, 1],
  ]);
  const spec: BarSpecInput = { unit: 'imbalance', interval: 1, measure: 'volume' };
  expect(rows(spec, trades).map((row) => row.slice(5))[0]).toEqual([1, 3]);
});

describe('sessions', () => {
  const minutes = (from: string, count: number) =>
    Array.from({ length: count }, (_, i) => [at(from) + i * MINUTE_US, 100 + i, 1] as const);

  test('count intervals from the open, end at the close, and leave out what is outside', () => {
    const trades = columns([...minutes('2024-07-03T16:00:00Z', 65), ...minutes('2024-07-05T13:25:00Z', 10)]);
    const spec: BarSpecInput = { unit: 'time', interval: 60 * MINUTE_US, align: 'session' };
    const { bars, counts } = barsOfTrades(trades, spec, { calendar: us });
    expect([...bars.tsUs]).toEqual([
      at('2024-07-03T15:30Z'),
      at('2024-07-03T16:30Z'),
      at('2024-07-05T13:30Z'),
    ]);
    expect([...bars.trades]).toEqual([30, 30, 5]);
    expect(counts).toEqual({ trades: 65, late: 0, outside: 10 });
  });

  test('need a calendar', () => {
    const spec: BarSpecInput = { unit: 'time', interval: MINUTE_US, align: 'session' };
    expect(() => new TradeAggregator(spec, () => {})).toThrow(InvalidOptionError);
    const weeks = { ...spec, interval: 7 * DAY_US };
    expect(() => new TradeAggregator(weeks, () => {}, us)).toThrow(InvalidOptionError);
  });
});

test.each<[string, BarSpecInput, string]>([
  ['a threshold of 0', { unit: 'volume', interval: 0 }, '/interval'],
  ['half a trade', { unit: 'tick', interval: 1.5 }, '/interval'],
  ['an infinite notional', { unit: 'dollar', interval: Number.POSITIVE_INFINITY }, '/interval'],
  ['a measure that is none', { unit: 'imbalance', interval: 1, measure: 'x' as 'tick' }, '/measure'],
])('%s is refused', (_, spec, pointer) => {
  let refused: unknown;
  try {
    barsOfTrades(columns([]), spec);
  } catch (error) {
    refused = error;
  }
  expect((refused as InvalidOptionError).extras.errors![0]!.pointer).toBe(pointer);
});

const spec = fc.oneof(
  fc.record({ unit: fc.constant('time' as const), interval: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ unit: fc.constant('tick' as const), interval: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ unit: fc.constant('volume' as const), interval: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ unit: fc.constant('dollar' as const), interval: fc.integer({ min: 1, max: 3000 }) }),
  fc.record({
    unit: fc.constant('imbalance' as const),
    interval: fc.integer({ min: 1, max: 20 }),
    measure: fc.constantFrom('tick' as const, 'volume' as const, 'dollar' as const),
  }),
);
const someTrades = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 100 }),
    fc.double({ min: 0.5, max: 200, noNaN: true }),
    fc.double({ min: 0, max: 10, noNaN: true }),
    fc.constantFrom(-1, 0, 1),
  ),
  { maxLength: 60 },
);

test('a stream gives the bars of the columns bit for bit, wherever it looks and whatever the order of trades', () => {
  fc.assert(
    fc.property(spec, someTrades, (which, all) => {
      const { bars, counts } = barsOfTrades(columns(all), which);
      const streamed: AggregateBar[] = [];
      const stream = new TradeAggregator(which, (one) => streamed.push(one));
      for (const [ts, price, size, side] of all) {
        stream.push(ts, price, size, side);
        stream.current();
      }
      stream.flush();
      const named = Object.keys(streamed[0] ?? {}) as (keyof AggregateBar)[];
      expect(streamed.length).toBe(bars.count);
      for (const name of named) expect(streamed.map((one) => one[name])).toEqual([...bars[name]]);
      expect(stream.counts).toEqual(counts);
    }),
    { numRuns: 150 },
  );
});

test('every trade is in one bar or counted, and sums are kept', () => {
  fc.assert(
    fc.property(spec, someTrades, (which, all) => {
      const { bars, counts } = barsOfTrades(columns(all), which);
      const trades = bars.trades.reduce((sum, value) => sum + value, 0);
      expect(trades).toBe(counts.trades);
      expect(counts.trades + counts.late + counts.outside).toBe(all.length);
      for (let i = 0; i < bars.count; i++) {
        expect(bars.low[i]!).toBeLessThanOrEqual(Math.min(bars.open[i]!, bars.close[i]!));
        expect(bars.high[i]!).toBeGreaterThanOrEqual(Math.max(bars.open[i]!, bars.close[i]!));
      }
    }),
    { numRuns: 100 },
  );
});

test('closing bars by the clock changes none of them', () => {
  const interval = 10;
  const sorted = someTrades.map((all) => [...all].sort((a, b) => a[0] - b[0]));
  fc.assert(
    fc.property(sorted, (all) => {
      const closed: AggregateBar[] = [];
      const stream = new TradeAggregator({ unit: 'time', interval }, (one) => closed.push(one));
      for (const [ts, price, size] of all) {
        stream.advance(ts);
        stream.push(ts, price, size);
      }
      stream.flush();
      const { bars } = barsOfTrades(columns(all), { unit: 'time', interval });
      expect(closed.map((one) => one.volume)).toEqual([...bars.volume]);
      expect(stream.counts.late).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test('trades as records become bars as records of exact prices', () => {
  const made: BarRecord[] = [];
  const bars = new TradeBars({ unit: 'time', interval: MINUTE_US }, (one) => made.push(one));
  bars.push(trade({ price: 6_180_020, size: 1500, tsReceiveUs: START_US + 5 }));
  bars.push(trade({ price: 6_180_030, size: 500, tsEventUs: START_US + 1, tsReceiveUs: START_US + 9 }));
  bars.push(trade({ price: 6_180_040, size: 500, tsEventUs: START_US + MINUTE_US }));
  expect(made).toHaveLength(1);
  expect(made[0]).toMatchObject({
    symbol: 'TEST',
    source: 'test',
    tsEventUs: START_US,
    tsReceiveUs: START_US + 9,
    open: 61_800.2,
    close: 61_800.3,
    volume: 2,
    trades: 2,
    interval: MINUTE_US,
  });
});

const capture = sharedData('captures/binance-spot-btcusdt-20240808.gz');
test.skipIf(capture === null)('bars of recorded trades hold all of what was traded', async () => {
  const text = gunzipSync(await Bun.file(capture!).bytes()).toString();
  const all = [
    ...text.matchAll(/"e":"trade".*?"p":"([\d.]+)","q":"([\d.]+)","T":(\d+),"m":(true|false)/g),
  ].map(
    ([, price, size, time, maker]) =>
      [Number(time) * 1000, Number(price), Number(size), maker === 'true' ? -1 : 1] as const,
  );
  expect(all.length).toBeGreaterThan(9000);
  const volume = all.reduce((sum, row) => sum + row[2], 0);
  const specs: BarSpecInput[] = [
    { unit: 'time', interval: MINUTE_US },
    { unit: 'tick', interval: 500 },
    { unit: 'volume', interval: 10 },
    { unit: 'dollar', interval: 1e6 },
    { unit: 'imbalance', interval: 200 },
  ];
  for (const one of specs) {
    const { bars, counts } = barsOfTrades(columns(all), one);
    expect(counts).toEqual({ trades: all.length, late: 0, outside: 0 });
    expect(bars.count).toBeGreaterThan(1);
    // Sums of float64 in another order.
    expect(bars.volume.reduce((sum, value) => sum + value, 0)).toBeCloseTo(volume, 6);
  }
});
