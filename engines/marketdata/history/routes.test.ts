// The history through the engine's port: ranges, pages, streams, and what was known at a time.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { FLAGS } from '../../../src/market/flags.ts';
import type {
  BarRecord,
  CorporateAction,
  InstrumentRecord,
  MarketRecord,
} from '../../../src/market/records.ts';
import { TestEngine } from '../../../test/support/engine.ts';
import definition from '../index.ts';
import { History } from './history.ts';
import { ticks } from './requests.ts';
import { samples, trades } from './test-records.ts';

const DAY_US = 86_400e6;
const START_US = 1_723_075_200_000_000;
const ARROW = 'application/vnd.apache.arrow.stream';

const sample = <K extends MarketRecord['kind']>(kind: K) =>
  samples().find((record) => record.kind === kind) as Extract<MarketRecord, { kind: K }>;

/** Daily bars with closes as given. */
function bars(symbol: string, closes: readonly number[]): BarRecord[] {
  return closes.map((close, i) => ({
    ...sample('bar'),
    symbol,
    source: 'yahoo',
    interval: DAY_US,
    adjusted: [],
    tsEventUs: START_US + i * DAY_US,
    open: close,
    high: close + 1,
    low: close - 1,
    close,
    volume: 100,
  }));
}

const action: CorporateAction = {
  ...sample('corporate_action'),
  symbol: 'SPLIT',
  source: 'yahoo',
  ratio: 2,
  tsEventUs: START_US + 2 * DAY_US,
};

describe('routes of the history', () => {
  let engine: TestEngine;
  const list = trades(25_000);

  beforeAll(async () => {
    engine = new TestEngine();
    const history = await History.open({ dataDir: engine.dataDir, threads: 1 });
    await history.put(list);
    await history.maintain(START_US + 40 * DAY_US);
    const bad = { ...list[10]!, id: 'bad', price: 1, flags: FLAGS.bad_timestamp.bit };
    await history.put([bad]);
    await history.put(samples().map((r) => (r.kind === 'trade' ? { ...r, symbol: 'OTHER' } : r)));
    const days = bars('SPLIT', [100, 102, 52, 53]);
    await history.put([
      ...days,
      action,
      { ...action, action: 'dividend', ratio: null, amount: 1.06, tsEventUs: START_US + 3 * DAY_US },
    ]);
    const rename = { ...action, action: 'rename' as const, symbol: 'FB', renamedTo: 'META', ratio: null };
    await history.put([
      ...bars('FB', [1, 2, 3]),
      ...bars('META', [7, 8, 9, 4, 5]),
      { ...rename, tsEventUs: START_US + 3 * DAY_US },
    ]);
    await history.put(bars('GAPS', [10, 11, 12, 13]).filter((_, i) => i !== 2));
    const figure = sample('fundamental');
    await history.put([
      figure,
      { ...figure, value: 2e11, asOfUs: figure.asOfUs + DAY_US, accession: 'restated' },
    ]);
    const point = sample('macro');
    await history.put([{ ...point, value: 4.5, asOfUs: START_US + DAY_US }]);
    await history.put([{ ...point, symbol: 'CPI', tsEventUs: -1000 * DAY_US, value: 29.6 }]);
    await history.put(
      bars('OLD', [1, 2, 3]).map((b) => ({ ...b, tsEventUs: b.tsEventUs - START_US - DAY_US })),
    );
    const old: InstrumentRecord = {
      ...sample('instrument'),
      symbol: 'META',
      nativeSymbol: 'Roundhill Ball Metaverse ETF',
      assetClass: 'etf',
    };
    await history.put([
      old,
      { ...old, nativeSymbol: 'Meta Platforms', assetClass: 'equity', tsEventUs: START_US + DAY_US },
    ]);
    await history.close();
    await engine.restart(definition);
  });
  afterAll(() => engine.stop());

  const ask = (path: string, accept: string) => fetch(`${engine.url}${path}`, { headers: { accept } });

  test('trades come in pages that together are all of them, once', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await engine.get(
        `/trades/BTC-USD?from_us=0&limit=10000${cursor && `&cursor=${cursor}`}`,
      );
      seen.push(...body.trades.map((t: { id: string }) => t.id));
      cursor = body.next_cursor;
    }
    expect(seen).toEqual(list.map((t) => t.id!));
  });

  test('a trade is exact, with source, times, names of flags and where it comes from', async () => {
    const { body } = await engine.get(`/trades/BTC-USD?at_us=${START_US + 2500}`);
    expect(body.trades).toEqual([
      {
        ts_event_us: START_US + 2000,
        ts_receive_us: START_US + 2250,
        source: 'binance',
        sequence: 2,
        flags: [],
        price: '61800.94',
        size: '0.00001002',
        side: 'sell',
        id: '1002',
        ts_event_text: null,
        ts_receive_text: null,
      },
    ]);
    // Times that are finer than microseconds, as they were written.
    const fine = await engine.get('/trades/OTHER');
    expect(fine.body.trades[0]).toMatchObject({
      ts_event_us: START_US,
      ts_event_text: '2024-08-08T00:00:00.000000123Z',
      ts_receive_text: '1723075200000007456',
    });
    expect(body.provenance).toEqual({ sources: ['binance'], view: 'repaired' });
    const raw = await engine.get(`/trades/BTC-USD?from_us=${START_US}&to_us=${START_US + 10_000}&view=raw`);
    expect(
      raw.body.trades.filter((t: { flags: string[] }) => t.flags.includes('bad_timestamp')),
    ).toHaveLength(1);
    expect(
      (await engine.get('/trades/BTC-USD?limit=2')).body.trades.map((t: { id: string }) => t.id),
    ).toEqual(['25998', '25999']);
  });

  test('a range comes as Arrow and as CSV, whole, with the same values', async () => {
    const reply = await ask('/trades/BTC-USD', ARROW);
    expect(JSON.parse(reply.headers.get('x-provenance')!)).toEqual({
      sources: ['binance'],
      view: 'repaired',
    });
    const table = tableFromIPC(new Uint8Array(await reply.arrayBuffer()));
    expect(table.numRows).toBe(list.length);
    expect([...(table.getChild('price')!.toArray() as Float64Array)]).toEqual(list.map((t) => t.price / 100));
    expect([...table.getChild('id')!]).toEqual(list.map((t) => t.id));
    expect(table.getChild('sequence')!.get(7)).toBe(7n);
    expect([...table.getChild('side')!.slice(0, 3)]).toEqual(['buy', 'sell', 'sell']);
    const lines = (await (await ask('/trades/BTC-USD', 'text/csv')).text()).trim().split('\n');
    expect(lines).toHaveLength(list.length + 1);
    expect(lines[0]).toBe(
      'ts_event_us,ts_receive_us,source,sequence,flags,price,size,side,id,ts_event_text,ts_receive_text',
    );
    expect(lines[3]).toBe(`${START_US + 2000},${START_US + 2250},binance,2,,61800.94,0.00001002,sell,1002,,`);
    const other = tableFromIPC(new Uint8Array(await (await ask('/trades/OTHER', ARROW)).arrayBuffer()));
    const first = ['side', 'id', 'ts_event_text', 'ts_receive_text'].map((name) =>
      other.getChild(name)!.get(0),
    );
    expect(first).toEqual([null, 'x-1', '2024-08-08T00:00:00.000000123Z', '1723075200000007456']);
    expect(table.getChild('ts_receive_text')!.nullCount).toBe(list.length);
    const none = await ask('/trades/BTC-USD?from_us=1&to_us=2', ARROW);
    expect(tableFromIPC(new Uint8Array(await none.arrayBuffer())).numRows).toBe(0);
  });

  test('a client that goes away frees what its reply held', async () => {
    const history = await History.open({ dataDir: mkdtempSync(join(engine.dataDir, 'gone-')), threads: 1 });
    await history.put(list);
    let open = 0;
    const { connect, release } = history.database;
    history.database.connect = async () => {
      open++;
      return connect.call(history.database);
    };
    history.database.release = (connection) => {
      open--;
      release.call(history.database, connection);
    };
    for (const format of ['csv', 'arrow'] as const) {
      const reply = await ticks(
        history,
        'trade',
        'BTC-USD',
        { view: 'repaired' },
        format,
        new AbortController().signal,
      );
      const reader = reply.body!.getReader();
      await reader.read();
      expect(open).toBe(1);
      await reader.cancel();
      expect(open).toBe(0);
    }
    await history.close();
  });

  test('bars are adjusted for splits and dividends as asked, and the reply says how', async () => {
    const closes = async (adjustment: string) => {
      const { body } = await engine.get(`/bars/SPLIT?from_us=0&adjustment=${adjustment}&source=yahoo`);
      return { closes: body.bars.map((b: { close: number }) => b.close), provenance: body.provenance };
    };
    expect((await closes('raw')).closes).toEqual([100, 102, 52, 53]);
    const split = await closes('split');
    expect(split.closes).toEqual([50, 51, 52, 53]);
    expect(split.provenance).toMatchObject({
      adjustment: 'split',
      applied: [{ action: 'split', value: 2, factor: 0.5 }],
    });
    // 1 - 1.06 / 52, the close before the ex-day.
    const factor = 1 - 1.06 / 52;
    const total = (await closes('total_return')).closes;
    for (const [i, close] of [50 * factor, 51 * factor, 52 * factor, 53].entries())
      expect(total[i]).toBeCloseTo(close, 10);
    // A range that ends before the split is adjusted by it all the same.
    const early = await engine.get(`/bars/SPLIT?from_us=0&to_us=${START_US}&adjustment=split`);
    expect(early.body.bars[0].close).toBe(50);
  });

  test('bars follow a rename, and the reply says under which symbols they are stored', async () => {
    const { body } = await engine.get('/bars/META?from_us=0');
    expect(body.bars.map((b: { close: number }) => b.close)).toEqual([1, 2, 3, 4, 5]);
    expect(body.provenance.symbols).toEqual([
      { symbol: 'FB', from_us: null, to_us: START_US + 3 * DAY_US - 1 },
      { symbol: 'META', from_us: START_US + 3 * DAY_US, to_us: null },
    ]);
    const longer = await engine.get(`/bars/FB?from_us=0&resample_us=${30 * DAY_US}`);
    expect(longer.body.bars.at(-1)).toMatchObject({ close: 5 });
    const before = await engine.get(`/bars/META?from_us=0&symbol_at_us=${START_US}`);
    expect(before.body.bars.map((b: { close: number }) => b.close)).toEqual([7, 8, 9, 4, 5]);
  });

  test('bars before 1970 are there, page by page', async () => {
    const first = await engine.get(`/bars/OLD?from_us=${-2 * DAY_US}&limit=2`);
    expect(first.body).toMatchObject({
      bars: [{ ts_event_us: -DAY_US }, { ts_event_us: 0 }],
      next_from_us: 1,
    });
    expect((await engine.get('/bars/OLD?to_us=-1')).body.bars).toHaveLength(1);
    const { body } = await engine.get(`/bars/OLD?adjustment=split&limit=2`);
    expect(body.bars.map((b: { close: number }) => b.close)).toEqual([2, 3]);
  });

  test('bars have gaps marked or filled, and are made longer', async () => {
    const get = async (query: string) => (await engine.get(`/bars/GAPS?from_us=0&${query}`)).body.bars;
    expect((await get('gaps=mark')).map((b: { flags: string[] }) => b.flags)).toEqual([[], [], ['gap']]);
    const filled = await get('gaps=fill');
    expect(filled.map((b: { close: number }) => b.close)).toEqual([10, 11, 11, 13]);
    expect(filled[2]).toMatchObject({ volume: 0, ts_event_us: START_US + 2 * DAY_US });
    const long = await get(`resample_us=${2 * DAY_US}`);
    expect(long.map((b: { volume: number }) => b.volume).reduce((a: number, b: number) => a + b)).toBe(300);
    const asked = (await engine.get(`/bars/GAPS?from_us=0&interval_us=${2 * DAY_US}`)).body;
    expect([asked.interval_us, asked.bars]).toEqual([2 * DAY_US, long]);
    expect(asked.provenance).toMatchObject({ interval_us: DAY_US, resample_us: 2 * DAY_US });
    expect((await engine.get(`/bars/GAPS?interval_us=${DAY_US + 1}`)).status).toBe(404);
    for (const route of ['bars/GAPS', 'trades/BTC-USD'])
      expect((await engine.get(`/${route}?from_us=2&to_us=1`)).body).toMatchObject({
        status: 422,
        errors: [{ pointer: 'query/to_us' }],
      });
    expect((await engine.get('/bars/GAPS?resample_us=7')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/resample_us' }],
    });
    // Pages, whatever their length, have together what the whole range has: fillings, marks and whole longer bars.
    for (const query of [
      'gaps=fill',
      'gaps=mark',
      `gaps=fill&resample_us=${2 * DAY_US}`,
      `resample_us=${3 * DAY_US}`,
    ]) {
      const whole = await get(query);
      const pages = [];
      let from: number | null = 0;
      while (from !== null) {
        const { body } = await engine.get(`/bars/GAPS?from_us=${from}&limit=1&${query}`);
        pages.push(...body.bars);
        from = body.next_from_us;
      }
      expect(pages).toEqual(whole);
      const first = (await engine.get(`/bars/GAPS?from_us=0&to_us=${whole[0].ts_event_us}&${query}`)).body;
      expect(first.bars).toEqual(whole.slice(0, 1));
    }
    const upTo = await engine.get(`/bars/GAPS?from_us=0&to_us=${START_US + 2 * DAY_US}&gaps=fill`);
    expect(upTo.body.bars).toEqual(filled.slice(0, 3));
    const csv = await (await ask('/bars/GAPS?from_us=0', 'text/csv')).text();
    expect(csv.split('\n')[1]).toBe(`${START_US},10,11,9,10,100,,`);
  });

  test('figures, points and instruments are those that were known at the time', async () => {
    const facts = async (query: string) => (await engine.get(`/fundamentals/AAPL?${query}`)).body.facts;
    expect((await facts('')).map((f: { value: number }) => f.value)).toEqual([2e11]);
    expect((await facts(`as_of_us=${START_US + DAY_US}`)).map((f: { value: number }) => f.value)).toEqual([
      1e11,
    ]);
    expect(await facts(`as_of_us=${START_US}`)).toEqual([]);
    const points = async (query: string) => (await engine.get(`/macro/DGS10?${query}`)).body.points;
    expect(await points('')).toMatchObject([{ value: 4.5 }]);
    expect(await points(`as_of_us=${START_US + 5}`)).toMatchObject([{ value: null }]);
    expect((await engine.get('/macro/CPI')).body.points).toMatchObject([{ value: 29.6 }]);
    const { body } = await engine.get('/instruments?symbol=META');
    expect(body.instruments).toMatchObject([
      { asset_class: 'etf', valid_from_us: START_US, valid_to_us: START_US + DAY_US },
      { asset_class: 'equity', valid_from_us: START_US + DAY_US, valid_to_us: null },
    ]);
    const then = await engine.get(`/instruments?symbol=META&at_us=${START_US + 5}`);
    expect(then.body.instruments.map((i: { asset_class: string }) => i.asset_class)).toEqual(['etf']);
    const first = await engine.get('/instruments?limit=1');
    expect(first.body).toMatchObject({ instruments: [{ symbol: 'BTC-USD' }], next_after: 'BTC-USD' });
    expect((await engine.get('/corporate-actions/SPLIT')).body.actions).toMatchObject([
      { action: 'split', ratio: 2 },
      { action: 'dividend', amount: 1.06 },
    ]);
  });

  test('what is not there, too much, or no cursor is refused by name', async () => {
    expect((await engine.get('/trades/NONE')).body.status).toBe(404);
    expect((await engine.get('/quotes/BTC-USD?source=nobody')).body.status).toBe(404);
    expect((await engine.get('/trades/BTC-USD?limit=100001')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/limit' }],
    });
    expect((await engine.get('/trades/BTC-USD?cursor=x')).body).toMatchObject({
      status: 422,
      errors: [{ pointer: 'query/cursor' }],
    });
  });
});
