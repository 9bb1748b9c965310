// Bars that requests get where only trades are stored: those that the trades make, in pages and streams.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { tableFromIPC } from 'apache-arrow';
import { barsOfTrades } from '../../../src/market/aggregate/aggregator.ts';
import type { BarSpecInput } from '../../../src/market/aggregate/spec.ts';
import { FLAGS } from '../../../src/market/flags.ts';
import type { BarRecord } from '../../../src/market/records.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';
import { History } from './history.ts';
import { samples, trades } from './test-records.ts';

const START_US = 1_723_075_200_000_000;
const SECOND_US = 1_000_000;
const DAY_US = 86_400e6;

// Bursts of trades of a millisecond, two of them at one time, with a minute between; prices and sides go up and down.
const list = Array.from({ length: 20 }, (_, burst) =>
  trades(150, START_US + burst * 60 * SECOND_US, burst * 1000).map((t, i) => ({
    ...t,
    tsEventUs: t.tsEventUs - (i % 50 === 1 ? 1000 : 0),
    size: 50_000_000 + ((i * 7919) % 100) * 1_000_000,
    side: (i * 31 + burst) % 7 < 4 ? ('buy' as const) : ('sell' as const),
  })),
).flat();
const column = (value: (t: (typeof list)[number]) => number) => Float64Array.from(list, value);
const columns = {
  tsUs: column((t) => t.tsEventUs),
  price: column((t) => t.price / 100),
  size: column((t) => t.size / 1e8),
  side: Int8Array.from(list, (t) => (t.side === 'buy' ? 1 : -1)),
};

function expected(spec: BarSpecInput) {
  const { bars } = barsOfTrades(columns, spec, { partial: spec.unit === 'time' });
  const { tsUs, open, high, low, close, volume, trades: n } = bars;
  return Array.from(tsUs, (ts_event_us, i) => ({
    ts_event_us,
    open: open[i]!,
    high: high[i]!,
    low: low[i]!,
    close: close[i]!,
    volume: volume[i]!,
    trades: n[i]!,
    flags: [],
  }));
}

// Of a stock, in the last minutes of a Friday, on the Saturday, and on the Monday before and behind the open.
const [FRIDAY_US, MONDAY_US] = [Date.UTC(2024, 7, 9) * 1000, Date.UTC(2024, 7, 12) * 1000];
const MINUTE_US = 60 * SECOND_US;
const stock = [
  FRIDAY_US + (19 * 60 + 40) * MINUTE_US,
  FRIDAY_US + (24 + 12) * 60 * MINUTE_US,
  MONDAY_US + 12 * 60 * MINUTE_US,
  MONDAY_US + (13 * 60 + 50) * MINUTE_US,
].map((tsEventUs, i) => ({ ...list[0]!, symbol: 'STOCK', id: String(i), tsEventUs }));

describe('bars of stored trades', () => {
  let engine: TestEngine;

  beforeAll(async () => {
    engine = new TestEngine();
    const history = await History.open({ dataDir: engine.dataDir, threads: 1 });
    await history.put(list);
    await history.maintain(START_US + 2 * DAY_US);
    const bad = { ...list[10]!, id: 'bad', price: 1, flags: FLAGS.bad_timestamp.bit };
    const other = list.slice(0, 10).map((t) => ({ ...t, source: 'kraken' }));
    const bar = samples().find((r) => r.kind === 'bar') as BarRecord;
    await history.put(stock);
    await history.put([bad, ...other, { ...bar, source: 'yahoo', interval: DAY_US, adjusted: [] }]);
    await history.close();
    await engine.restart(definition);
  });
  afterAll(() => engine.stop());

  const get = async (query: string) => (await engine.get(`/bars/BTC-USD?${query}`)).body;

  test('are those that the trades make, and the reply says of what they are', async () => {
    const body = await get(`interval_us=${SECOND_US}&from_us=0`);
    expect(body).toMatchObject({ interval_us: SECOND_US, source: 'binance', next_from_us: null });
    expect(body.provenance).toMatchObject({ made_of: 'trades', sources: ['binance'] });
    expect(body.bars).toEqual(expected({ unit: 'time', interval: SECOND_US }));
    expect((await get(`interval_us=${SECOND_US}&limit=3`)).bars).toEqual(body.bars.slice(-3));
    expect((await get(`interval_us=${SECOND_US}&from_us=0&source=kraken`)).bars).toMatchObject([
      { trades: 10 },
    ]);
    // A stored length is served as it is stored.
    expect((await get(`interval_us=${DAY_US}&from_us=0`)).source).toBe('yahoo');
    const to = START_US + 60 * SECOND_US;
    expect((await get(`interval_us=${SECOND_US}&from_us=${START_US + 1}&to_us=${to}`)).bars).toEqual(
      body.bars.slice(1, 2),
    );
    const reply = await fetch(`${engine.url}/bars/BTC-USD?interval_us=${SECOND_US}&from_us=0`, {
      headers: { accept: 'application/vnd.apache.arrow.stream' },
    });
    const table = tableFromIPC(new Uint8Array(await reply.arrayBuffer()));
    expect([...(table.getChild('close')!.toArray() as Float64Array)]).toEqual(
      body.bars.map((b: { close: number }) => b.close),
    );
  });

  test('have gaps filled and are made longer as stored ones', async () => {
    const minutes = `interval_us=${20 * SECOND_US}&from_us=${START_US}&to_us=${START_US + 599 * SECOND_US}`;
    const filled = (await get(`${minutes}&gaps=fill`)).bars;
    expect(filled).toHaveLength(30);
    expect(filled.map((b: { volume: number }) => b.volume > 0)).toEqual(
      Array.from({ length: 30 }, (_, i) => i % 3 === 0),
    );
    const longer = (await get(`interval_us=${SECOND_US}&resample_us=${300 * SECOND_US}&from_us=0`)).bars;
    const wanted = expected({ unit: 'time', interval: 300 * SECOND_US });
    expect(longer.map((b: { close: number }) => b.close)).toEqual(wanted.map((b) => b.close));
    expect(longer.map((b: { trades: number }) => b.trades)).toEqual(wanted.map((b) => b.trades));
  });

  test('have the same gaps in every range, also where the next trade is outside of the sessions', async () => {
    const options = `interval_us=${15 * MINUTE_US}&gaps=fill&calendar=us-equities`;
    const of = async (range: string) =>
      (await engine.get(`/bars/STOCK?${options}${range}`)).body.bars.map(
        (b: { ts_event_us: number }) => b.ts_event_us,
      );
    const [friday, monday] = [FRIDAY_US + 19.5 * 60 * MINUTE_US, MONDAY_US + 13.5 * 60 * MINUTE_US];
    const whole = [friday, friday + 15 * MINUTE_US, monday, monday + 15 * MINUTE_US];
    expect(await of('')).toEqual(whole);
    expect(await of(`&to_us=${FRIDAY_US + DAY_US}`)).toEqual(whole.slice(0, 2));
    expect(await of(`&from_us=${MONDAY_US + 13 * 60 * MINUTE_US}`)).toEqual(whole.slice(2));
    expect(await of('&limit=2')).toEqual(whole.slice(2));
  });

  test.each([
    [{ unit: 'tick', interval: 47 }, ''],
    [{ unit: 'volume', interval: 60 }, ''],
    [{ unit: 'dollar', interval: 4_000_000 }, ''],
    [
      { unit: 'imbalance', interval: 5, measure: 'volume', expected_trades: 60 },
      '&measure=volume&expected_trades=60',
    ],
  ] satisfies [BarSpecInput, string][])(
    'end by their threshold: %o, page by page as at once',
    async (spec, more) => {
      const wanted = expected(spec);
      expect(wanted.length).toBeGreaterThan(20);
      const query = `unit=${spec.unit}&threshold=${spec.interval}${more}`;
      expect(await get(query)).toMatchObject({
        ...{ unit: spec.unit, threshold: spec.interval },
        bars: wanted,
      });
      const pages = [];
      for (let cursor = ''; cursor !== 'null'; ) {
        const body = await get(`${query}&limit=19${cursor === '' ? '' : `&cursor=${cursor}`}`);
        pages.push(...body.bars);
        cursor = String(body.next_cursor);
      }
      expect(pages).toEqual(wanted);
    },
  );

  test.each([
    ['bars', 'bars', 'unit=tick&threshold=2&limit=3'],
    ['bars', 'bars', 'interval_us=2000&from_us=0&limit=3'],
    ['trades', 'trades', 'from_us=0&limit=6'],
  ])(
    '%s go on from the source of the page before, also where another has more: %s of %s',
    async (route, name, query) => {
      const ask = async (more: string) => (await engine.get(`/${route}/BTC-USD?${query}${more}`)).body;
      const first = await ask('&source=kraken');
      const second = await ask(`&cursor=${first.next_cursor}`);
      expect(second.provenance.sources).toEqual(['kraken']);
      const whole = await engine.get(`/${route}/BTC-USD?${query.replace(/limit=.*/, 'source=kraken')}`);
      expect(whole.body[name].length).toBeGreaterThan(first[name].length);
      expect([...first[name], ...second[name]]).toEqual(whole.body[name]);
      expect(await ask(`&source=binance&cursor=${first.next_cursor}`)).toMatchObject({
        status: 422,
        errors: [{ pointer: 'query/source' }],
      });
    },
  );

  test.each([
    ['from_us=0&source=binance', 'query/interval_us'],
    ['unit=tick', 'query/threshold'],
    ['unit=tick&threshold=0.5', 'query/threshold'],
    ['unit=dollar&threshold=5&measure=tick', 'query/measure'],
    ['unit=imbalance&threshold=5&growth=0', 'query/growth'],
    ['unit=tick&threshold=5&gaps=fill', 'query/gaps'],
    ['unit=tick&threshold=5&interval_us=60', 'query/interval_us'],
    [`interval_us=${DAY_US}&threshold=5`, 'query/threshold'],
    ['unit=tick&threshold=5&cursor=x', 'query/cursor'],
    ['unit=tick&threshold=5&limit=200000', 'query/limit'],
  ])('are refused by name: %s', async (query, pointer) => {
    expect(await get(query)).toMatchObject({ status: 422, errors: [{ pointer }] });
  });

  test('need trades', async () => {
    expect((await engine.get('/bars/NONE?unit=tick&threshold=5')).body.status).toBe(404);
    expect((await engine.get('/bars/NONE?interval_us=60000000')).body.status).toBe(404);
  });
});
