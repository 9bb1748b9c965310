// Hot path: one million trades to one-minute bars, and records through the gate of quality. A regression means more work for each
// trade: an allocation, a property looked up by name, a check that lost its short way.
import { DuckDBInstance } from '@duckdb/node-api';
import { barsOfTrades } from '../../src/market/aggregate/aggregator.ts';
import type { TradeColumns } from '../../src/market/aggregate/columns.ts';
import type { BarSpecInput } from '../../src/market/aggregate/spec.ts';
import { SeriesGate } from '../../src/market/quality/gate.ts';
import type { Quote, Trade } from '../../src/market/records.ts';
import { comparePairs, interleave, quantile } from '../pairs.ts';
import { grouped, isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';

const TRADES = 1_000_000;
const MINUTE_US = 60_000_000;
const START_US = 1_700_000_000_000_000;
/** What one million trades to one-minute bars shall take at most. */
const REACH_MS = 200;

/** A seeded walk of trades, nine a second. */
function walk(count: number): Required<TradeColumns> {
  const tsUs = new Float64Array(count);
  const price = new Float64Array(count);
  const size = new Float64Array(count);
  const side = new Int8Array(count);
  let state = 12_345;
  let ticks = 6_000_000;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    ticks += ((state >>> 16) % 21) - 10;
    tsUs[i] = START_US + i * 111_111;
    price[i] = ticks / 100;
    size[i] = ((state >>> 8) % 1000) / 1000;
    side[i] = state & 65_536 ? 1 : -1;
  }
  return { tsUs, price, size, side };
}

const trades = walk(TRADES);
const minutes = () => barsOfTrades(trades, { unit: 'time', interval: MINUTE_US }).bars;

// The rival has the trades in memory already, and groups them by one thread.
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const rival = await instance.connect();
await rival.run('CREATE TABLE trades (ts BIGINT, price DOUBLE, size DOUBLE)');
const appender = await rival.createAppender('trades');
for (let i = 0; i < TRADES; i++) {
  appender.appendBigInt(BigInt(trades.tsUs[i]!));
  appender.appendDouble(trades.price[i]!);
  appender.appendDouble(trades.size[i]!);
  appender.endRow();
}
appender.closeSync();
const GROUPED = `SELECT ts // ${MINUTE_US} AS minute, first(price ORDER BY ts), max(price), min(price), last(price ORDER BY ts), sum(size), count(*)
  FROM trades GROUP BY minute ORDER BY minute`;
const byDuckDb = async () => (await rival.runAndReadAll(GROUPED)).currentRowCount;

const counted = await byDuckDb();
if (counted !== minutes().count) throw new Error(`Expected ${counted} bars, was ${minutes().count}`);

const pair = await comparePairs({
  name: `${grouped(TRADES)} trades to ${grouped(counted)} bars`,
  a: minutes,
  b: byDuckDb,
  pairs: isQuick ? 15 : 31,
});
const met = pair.aNs / 1e6 <= REACH_MS ? 'met' : 'missed';
publish({
  title: 'One-minute bars of trades',
  note: 'Ours: columns in, columns out, in the order of the trades. The rival groups a table in memory by SQL, on one thread.',
  columns: PAIR_COLUMNS,
  rows: [pairRow(pair, 'DuckDB', `${REACH_MS} ms: ${met}`)],
});

const specs: BarSpecInput[] = [
  { unit: 'tick', interval: 500 },
  { unit: 'volume', interval: 250 },
  { unit: 'dollar', interval: 15_000_000 },
  { unit: 'imbalance', interval: 50 },
];
const gated = { symbol: 'BTC-USD', source: 'bench', flags: 0, scale: { price: 2, size: 3 } } as const;
const records = 200_000;
const stamp = (i: number) => ({
  ...gated,
  tsEventUs: trades.tsUs[i]!,
  tsReceiveUs: trades.tsUs[i]! + 20_000,
});
const tradeRecords = Array.from({ length: records }, (_, i): Trade => {
  const [price, size] = [Math.round(trades.price[i]! * 100), Math.round(trades.size[i]! * 1000)];
  return { ...stamp(i), kind: 'trade', sequence: i, id: `${i}`, price, size, side: 'buy' };
});
const quoteRecords = Array.from({ length: records }, (_, i): Quote => {
  const bid = Math.round(trades.price[i]! * 100);
  return { ...stamp(i), kind: 'quote', sequence: i, bid, bidSize: i % 97, ask: bid + 1, askSize: i % 89 };
});

function gate(all: readonly (Trade | Quote)[]): () => number {
  return () => {
    const one = new SeriesGate({ kind: all[0]!.kind, sequence: 'contiguous' });
    let flags = 0;
    for (const record of all) flags |= one.check(record);
    return flags;
  };
}

const cases = [
  ...specs.map((spec) => ({
    name: `${spec.unit} bars`,
    count: TRADES,
    run: () => barsOfTrades(trades, spec),
  })),
  { name: 'gate of trades', count: records, run: gate(tradeRecords) },
  { name: 'gate of quotes', count: records, run: gate(quoteRecords) },
];
const times = await interleave(
  cases.map(({ run }) => run),
  { rounds: isQuick ? 5 : 15 },
);
publish({
  title: 'Other bars, and the gate of quality',
  note: 'One thread; the gate runs all checks of its kind on each record.',
  columns: ['case', 'records', 'median', 'ns a record'],
  rows: cases.map(({ name, count }, i) => {
    const ns = quantile(times[i]!, 0.5);
    return [name, grouped(count), `${(ns / 1e6).toFixed(1)} ms`, (ns / count).toFixed(0)];
  }),
});
rival.closeSync();
instance.closeSync();
