// The gates that the pipeline opens, what is kept of records with a flag, and what is said of live and imported records together.
import { expect, test } from 'bun:test';
import { FLAGS } from '../../../src/market/flags.ts';
import type { Quote, Trade } from '../../../src/market/records.ts';
import { FileIntake } from '../files/intake.ts';
import { gateOf } from './gates.ts';
import { QualityDesk } from './quality-desk.ts';
import { combined } from './quality-view.ts';

const START = Date.UTC(2024, 7, 9) * 1000;

function trade(source: string, sequence: number): Trade {
  const tsEventUs = START + sequence * 1000;
  return {
    kind: 'trade',
    symbol: 'BTC-USDT',
    source,
    tsEventUs,
    tsReceiveUs: tsEventUs + 500,
    sequence,
    flags: 0,
    scale: { price: 2, size: 3 },
    price: 6_180_020 + sequence,
    size: 5,
    side: 'buy',
    id: String(sequence),
  };
}

test.each([
  ['binance', FLAGS.gap.bit],
  ['binance-usdm', FLAGS.gap.bit],
  ['coinbase', 0],
])(
  'a trade of %s that others are missing before is flagged where trades are numbered by one',
  (source, flag) => {
    const gate = gateOf(trade(source, 1));
    const check = (sequence: number) =>
      gate.check(trade(source, sequence), trade(source, sequence).tsReceiveUs);
    expect([1, 2, 3].map(check)).toEqual([0, 0, 0]);
    expect(check(5)).toBe(flag);
    expect(check(6)).toBe(0);
  },
);

test('the next connection of coinbase counts anew, which is no disorder; what is older by its time is', () => {
  const quote = (sequence: number, atUs: number): Quote => ({
    ...trade('coinbase', sequence),
    kind: 'quote',
    tsEventUs: START + atUs,
    tsReceiveUs: START + atUs + 500,
    bid: 6_180_000 + sequence,
    bidSize: 1,
    ask: 6_190_000,
    askSize: 1,
  });
  const gate = gateOf(quote(0, 0));
  const check = (record: Quote) => gate.check(record, record.tsReceiveUs);
  expect([quote(900, 0), quote(901, 1000), quote(0, 2000), quote(1, 3000)].map(check)).toEqual([0, 0, 0, 0]);
  expect(check(quote(2, 500))).toBe(FLAGS.out_of_order.bit);
});

test('live and imported records of one source and kind are told together, others apart', () => {
  const desk = new QualityDesk();
  for (const sequence of [1, 2, 4]) desk.check(trade('binance', sequence), START + 1e9);
  desk.check(trade('kraken', 1), START + 1e9);
  const live = desk.of('BTC-USDT', START + 1e9);
  const intake = new FileIntake(undefined, START + 1e9);
  const records = [10, 11, 11, 14, 15].map((sequence) => trade('binance', sequence));
  intake.take({ records, lines: records.map((_, i) => i + 1), refused: [], skipped: 0 });
  const imported = intake.series().map((one) => ({ ...one, file: 'trades.csv', imported_ts_us: START }));
  const [both, other] = combined(live, imported);
  expect(both).toMatchObject({
    source: 'binance',
    kind: 'trade',
    records: 8,
    flagged: 3,
    quarantined: 1,
    flags: { gap: 2, duplicate: 1 },
    missing: 3,
  });
  // By hand: 3 of 4 came live; of the file 4 of 6 are there, and a fifth of its records is a duplicate.
  expect(both!.coverage).toBeCloseTo((3 * (3 / 4) + 5 * (4 / 6)) / 8, 12);
  expect(both!.score).toBeCloseTo((3 * (3 / 4) + 5 * (4 / 6) * (1 - 1 / 5)) / 8, 12);
  expect(other).toMatchObject({ source: 'kraken', records: 1, score: 1 });
  expect(combined([], [])).toEqual([]);
});

test('the newest records with a flag are examples, one for each record', () => {
  const flags: number[] = [];
  const desk = new QualityDesk(() => ({ check: () => flags.shift()! }));
  const examples = () =>
    desk.of('BTC-USDT', START)[0]!.examples.map(({ sequence, flags: names }) => [sequence, ...names]);
  for (let sequence = 1; sequence <= 50; sequence++) {
    flags.push(sequence % 2 === 0 ? FLAGS.locked.bit : 0);
    desk.check(trade('kraken', sequence), START);
  }
  expect(examples()).toEqual(Array.from({ length: 20 }, (_, i) => [50 - 2 * i, 'locked']));
  // A book finds more in a record than its gate did: still one record.
  flags.push(FLAGS.outlier.bit);
  const record = trade('kraken', 51);
  desk.add({ ...record, flags: desk.check(record, START) }, FLAGS.gap.bit);
  expect(examples().slice(0, 2)).toEqual([
    [51, 'gap', 'outlier'],
    [50, 'locked'],
  ]);
  expect(desk.of('BTC-USDT', START)[0]).toMatchObject({
    records: 51,
    flagged: 26,
    flags: { gap: 1, outlier: 1 },
  });
});

test('records of more series than are followed pass with the flags that they have, and are counted', () => {
  const desk = new QualityDesk(() => ({ check: () => FLAGS.locked.bit }), 1);
  expect(desk.check(trade('kraken', 1), START)).toBe(FLAGS.locked.bit);
  expect(desk.check({ ...trade('coinbase', 1), flags: FLAGS.gap.bit }, START)).toBe(FLAGS.gap.bit);
  expect(desk.check(trade('kraken', 2), START)).toBe(FLAGS.locked.bit);
  expect(desk.unjudged).toBe(1);
  expect(desk.totals()).toEqual({ locked: 2 });
});
