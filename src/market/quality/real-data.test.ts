// The gate on real series: what it finds is what is known of them, and little else.
import { describe, expect, test } from 'bun:test';
import { gunzipSync } from 'node:zlib';
import { sharedData } from '../../../test/shared-data.ts';
import { leanDaily } from '../../../test/support/market-files.ts';
import { type FlagName, flagNames } from '../flags.ts';
import type { MarketRecord } from '../records.ts';
import { ticksOf } from '../scale.ts';
import { calendarById } from '../sessions/calendars.ts';
import { DAY_US } from '../sessions/days.ts';
import { type GateOptions, SeriesGate } from './gate.ts';
import { bar, delta, quote, trade } from './test-records.ts';

function run(options: GateOptions, records: readonly MarketRecord[]) {
  const gate = new SeriesGate(options);
  const days: Partial<Record<FlagName, string[]>> = {};
  for (const record of records) {
    for (const name of flagNames(gate.check(record, Math.max(record.tsReceiveUs, record.tsEventUs)))) {
      days[name] = [...(days[name] ?? []), new Date(record.tsEventUs / 1000).toISOString().slice(0, 10)];
    }
  }
  return { days, report: gate.report(0) };
}

// Splits as the companies announced them: first day of trading in new shares.
const SPLITS = {
  spy: [],
  aapl: ['2000-06-21', '2005-02-28', '2014-06-09', '2020-08-31'],
  ibm: ['1999-05-27'],
  bac: ['2004-08-30'],
  aig: ['1998-08-03', '1999-08-02', '2000-07-31', '2009-07-01'],
};

describe('23 years of daily bars', () => {
  for (const [symbol, splits] of Object.entries(SPLITS)) {
    const rows = leanDaily(symbol);
    test.skipIf(!rows)(`of ${symbol} jump like a split on the days of its splits and on no other`, () => {
      const bars = rows!.map(({ date, open, high, low, close, volume }) => {
        const tsEventUs = Date.parse(date) * 1000;
        return bar({ tsEventUs, interval: DAY_US, open, high, low, close, volume });
      });
      const { days, report } = run({ kind: 'bar', calendar: calendarById('us-equities') }, bars);
      expect(days.split_like_jump ?? []).toEqual(splits);
      expect(report.missing).toBe(0);
      expect(Object.keys(days).filter((name) => name !== 'split_like_jump' && name !== 'outlier')).toEqual(
        [],
      );
      // Crashes and results of quarters; AIG lost nine tenths in 2008.
      expect(days.outlier?.length ?? 0).toBeLessThanOrEqual(15);
    });
  }
});

const crypto = sharedData('crypto-10-pairs-5min-ohlcv-2018-01.csv.gz');
test.skipIf(crypto === null)('the bars that ten pairs miss are found and counted', async () => {
  const text = gunzipSync(await Bun.file(crypto!).bytes()).toString();
  const gates = new Map<string, SeriesGate>();
  const times = new Map<string, number[]>();
  for (const line of text.trim().split('\n').slice(1)) {
    const [time, symbol, ...numbers] = line.split(',');
    const [open, high, low, close, volume] = numbers.map(Number);
    const calendar = calendarById('24x7');
    const gate = gates.get(symbol!) ?? new SeriesGate({ kind: 'bar', calendar });
    gates.set(symbol!, gate);
    const values = { open: open!, high: high!, low: low!, close: close!, volume: volume! };
    gate.check(bar({ tsEventUs: Number(time), interval: 300_000_000, ...values }));
    const own = times.get(symbol!) ?? [];
    times.set(symbol!, own);
    own.push(Number(time));
  }
  let missing = 0;
  for (const [symbol, gate] of gates) {
    const all = times.get(symbol)!;
    const places = (all.at(-1)! - all[0]!) / 300_000_000 + 1;
    expect(gate.report(0).missing).toBe(places - all.length);
    missing += gate.report(0).missing;
  }
  expect(missing).toBeGreaterThan(40);
});

describe('the first messages of a recorded futures stream', () => {
  const file = sharedData('captures/binance-usdm-btcusdt-20240808.gz');
  const stream = file === null ? null : recorded(file);

  test.skipIf(file === null)('have no fault but the clock of the receiver, which is behind', async () => {
    const { trades, quotes, deltas } = (await stream)!;
    const seen = [
      run({ kind: 'trade', sequence: 'contiguous' }, trades),
      run({ kind: 'quote' }, quotes),
      run({ kind: 'book_delta' }, deltas),
    ];
    for (const { days, report } of seen) {
      expect(Object.keys(days)).toEqual(['clock_offset']);
      expect(report.records).toBeGreaterThan(300);
      expect(report.coverage).toBe(1);
    }
  });

  test.skipIf(file === null)('with lines deleted, doubled and swapped show each of them', async () => {
    const { trades, deltas } = (await stream)!;
    const options: GateOptions = { kind: 'trade', sequence: 'contiguous' };
    const deleted = run(options, [...trades.slice(0, 50), ...trades.slice(52)]).report;
    expect(deleted).toMatchObject({ missing: 2, flags: { gap: 1, duplicate: 0, out_of_order: 0 } });
    const doubled = run(options, [...trades.slice(0, 50), ...trades.slice(40)]).report;
    expect(doubled).toMatchObject({ missing: 0, flags: { gap: 0, duplicate: 10, out_of_order: 0 } });
    const swapped = [...trades.slice(0, 50), trades[51]!, trades[50]!, ...trades.slice(52)];
    expect(run(options, swapped).report).toMatchObject({ missing: 0, flags: { gap: 1, out_of_order: 1 } });
    const broken = run({ kind: 'book_delta' }, [...deltas.slice(0, 50), ...deltas.slice(51)]).report;
    expect(broken).toMatchObject({ missing: 1, flags: { gap: 1, out_of_order: 0 } });
  });
});

async function recorded(path: string) {
  const lines = gunzipSync(await Bun.file(path).bytes())
    .toString('utf8', 0, 2_000_000)
    .split('\n')
    .slice(0, 8000);
  const scale = { price: 2, size: 3 };
  const ticks = (text: string, decimals: number) => ticksOf(text, decimals);
  const levels = (side: [string, string][]) => side.flatMap(([p, q]) => [ticks(p, 2), ticks(q, 3)]);
  const trades: MarketRecord[] = [];
  const quotes: MarketRecord[] = [];
  const deltas: MarketRecord[] = [];
  for (const line of lines.slice(0, -1)) {
    const tsReceiveUs = Math.floor(Number(line.slice(0, 19)) / 1000);
    const { data } = JSON.parse(line.slice(20));
    // The answer with the snapshot has no stream.
    if (!data) continue;
    const stamp = { tsEventUs: data.T * 1000, tsReceiveUs, scale };
    if (data.e === 'trade') {
      const values = { price: ticks(data.p, 2), size: ticks(data.q, 3) };
      trades.push(trade({ ...stamp, ...values, sequence: data.t, id: String(data.t) }));
    } else if (data.e === 'bookTicker') {
      const sides = { bid: ticks(data.b, 2), ask: ticks(data.a, 2) };
      const sizes = { bidSize: ticks(data.B, 3), askSize: ticks(data.A, 3) };
      quotes.push(quote({ ...stamp, ...sides, ...sizes, sequence: data.u }));
    } else if (data.e === 'depthUpdate') {
      const numbers = { sequence: data.u, firstSequence: data.U, previousSequence: data.pu };
      deltas.push(delta({ ...stamp, ...numbers, bids: levels(data.b), asks: levels(data.a) }));
    }
  }
  return { trades, quotes, deltas };
}
