// What is put into the history: exact, once, together, and kept.
import { afterEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidOptionError } from '../../../src/core/errors.ts';
import { FLAGS } from '../../../src/market/flags.ts';
import type { BarRecord, InstrumentRecord, MarketRecord } from '../../../src/market/records.ts';
import { History } from './history.ts';
import { samples, trades } from './test-records.ts';

describe('history', () => {
  const folder = mkdtempSync(join(tmpdir(), 'history-'));
  let open: History | undefined;
  let count = 0;

  async function history(name = `h${count++}`, faults?: (point: string) => void): Promise<History> {
    await open?.close();
    open = await History.open({ dataDir: join(folder, name), threads: 1, ...(faults ? { faults } : {}) });
    return open;
  }

  afterEach(async () => {
    await open?.close();
    open = undefined;
  });
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

  async function all(h: History, kind: MarketRecord['kind'], symbol = 'BTC-USD') {
    const read: MarketRecord[] = [];
    for await (const batch of h.records({ kind, symbol, view: 'raw' })) read.push(...batch);
    return read;
  }

  test('gives every kind of record back as it was, also after a restart', async () => {
    const h = await history('kinds');
    const records = samples();
    expect(await h.put(records)).toMatchObject({ stored: records.length, replaced: 0, duplicates: 0 });
    for (const record of records) expect(await all(h, record.kind, record.symbol)).toContainEqual(record);
    const again = await history('kinds');
    for (const record of records) expect(await all(again, record.kind, record.symbol)).toContainEqual(record);
  });

  test('keeps integers to 2^53, negative ones and neighbours of 2^32 exactly', async () => {
    const h = await history();
    const edges = [
      0,
      1,
      -1,
      2 ** 32 - 1,
      2 ** 32,
      -(2 ** 32),
      2 ** 31,
      -(2 ** 31) - 1,
      Number.MAX_SAFE_INTEGER,
      -Number.MAX_SAFE_INTEGER,
    ];
    await h.put(edges.map((price, i) => ({ ...trades(1)[0]!, id: `t${i}`, price, size: Math.abs(price) })));
    const read = await all(h, 'trade');
    expect(read.map((r) => (r.kind === 'trade' ? r.price : null))).toEqual(edges);
  });

  test('refuses what no column holds before anything is written, and names the field', async () => {
    const h = await history();
    const [good, bad] = [trades(1)[0]!, { ...trades(1)[0]!, price: 0.5 }];
    await expect(h.put([good, bad])).rejects.toThrow(InvalidOptionError);
    await expect(h.put([good, bad])).rejects.toThrow('price');
    const series = {
      kind: 'trade',
      symbol: 'BTC-USD',
      source: 'x',
      priceDecimals: 2,
      sizeDecimals: 8,
    } as const;
    const whole = { ...series, unit: '', interval: 0, adjusted: '' };
    const columns = { price: Float64Array.of(1, 2), size: Float64Array.of(1, 2) };
    await expect(h.putColumns(whole, 2, columns)).rejects.toThrow('ts_event_us');
    const times = { ts_event_us: Float64Array.of(1, Number.NaN) };
    await expect(h.putColumns(whole, 2, { ...columns, ...times })).rejects.toThrow('ts_event_us');
    expect(await all(h, 'trade')).toEqual([]);
  });

  test('counts trades that come again, in one put, in a later one and after a restart, and stores each once', async () => {
    let h = await history('again');
    const list = trades(5000);
    expect(await h.put([...list.slice(0, 3000), ...list.slice(2990, 3000)])).toMatchObject({
      stored: 3000,
      duplicates: 10,
    });
    const text = { ...list[0]!, id: 'a1b2-text' };
    expect(await h.put([...list.slice(2500), text, text])).toMatchObject({ stored: 2001, duplicates: 501 });
    h = await history('again');
    expect(await h.put([...list, text])).toMatchObject({ stored: 0, duplicates: 5001 });
    // The ids of one source say nothing about those of another.
    expect(await h.put(list.map((t) => ({ ...t, source: 'other' })))).toMatchObject({
      stored: 5000,
      duplicates: 0,
    });
    expect(await all(h, 'trade')).toHaveLength(10_001);
  });

  test('stores puts that come at once together, and each is told its own counts', async () => {
    const h = await history();
    const list = trades(100);
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, i) => h.put(list.slice(i * 5, i * 5 + 10))),
    );
    expect(results.map((r) => r.stored)).toEqual([10, ...Array(9).fill(5)]);
    expect(results.map((r) => r.duplicates)).toEqual([0, ...Array(9).fill(5)]);
  });

  test('keeps a series whose first records come while those of another are being stored', async () => {
    const [first, second] = [trades(3), trades(4).map((t) => ({ ...t, symbol: 'ETH-USD' }))];
    let late: Promise<unknown> | undefined;
    const h = await history('meanwhile', (point) => {
      if (point === 'before commit') late ??= h.put(second);
    });
    await h.put(first);
    await late;
    expect(await all(h, 'trade', 'ETH-USD')).toEqual(second);
    const again = await history('meanwhile');
    const third = trades(5).map((t) => ({ ...t, symbol: 'SOL-USD' }));
    await again.put(third);
    expect(await all(again, 'trade', 'ETH-USD')).toEqual(second);
    expect(await all(again, 'trade', 'SOL-USD')).toEqual(third);
  });

  test('lets nobody between the statements of work that has the tables for itself', async () => {
    const h = await history();
    const { writer } = h.database;
    const before = h.put(trades(2));
    const [entered, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const alone = h.writer.exclusive(async () => {
      await writer.run('BEGIN');
      entered.resolve();
      await left.promise;
      await writer.run('ROLLBACK');
    });
    await before;
    await entered.promise;
    const during = h.put(trades(5));
    // A reader does not wait, and is not within the transaction either.
    await expect(h.database.rows('SELECT count(*)::INTEGER AS n FROM trades')).resolves.toEqual([{ n: 2 }]);
    await expect(h.database.rows('SELECT * FROM nothing_of_that_name')).rejects.toThrow();
    left.resolve();
    await alone;
    expect(await during).toMatchObject({ stored: 3, duplicates: 2 });
    expect(await all(h, 'trade')).toHaveLength(5);
  });

  test('replaces a bar of the same time, never a good one by one in quarantine, and keeps the reasons', async () => {
    const h = await history();
    const bar = samples().find((r) => r.kind === 'bar') as BarRecord;
    const broken = { ...bar, high: 1, low: 5, flags: FLAGS.ohlc_inconsistent.bit };
    expect(await h.put([bar, { ...bar, close: 103 }])).toMatchObject({ stored: 1, replaced: 1 });
    expect(await h.put([{ ...bar, close: 104 }, broken])).toMatchObject({
      stored: 1,
      replaced: 1,
      quarantined: 1,
    });
    // Nothing that is served was replaced.
    expect(await h.put([broken, { ...broken, high: 2 }])).toEqual({
      stored: 0,
      replaced: 0,
      duplicates: 0,
      quarantined: 2,
    });
    expect(await h.bars.read({ symbol: bar.symbol, intervalUs: bar.interval, limit: 10 })).toMatchObject({
      close: Float64Array.of(104),
    });
    expect(await all(h, 'bar', bar.symbol)).toHaveLength(2);
    const kept = await h.quarantine({ symbol: bar.symbol });
    expect(kept.map(({ kind, reasons }) => [kind, reasons])).toEqual(
      Array(3).fill(['bar', ['ohlc_inconsistent']]),
    );
  });

  test('has bars of the source with the most, counted over all symbols of an instrument and without the quarantine', async () => {
    const h = await history();
    const bar = samples().find((r) => r.kind === 'bar') as BarRecord;
    const bars = (symbol: string, source: string, count: number, flags = 0) =>
      Array.from({ length: count }, (_, i) => ({ ...bar, symbol, source, flags, tsEventUs: i * 60e6 }));
    const broken = bars('NEW', 'b', 9, FLAGS.ohlc_inconsistent.bit);
    await h.put([...bars('OLD', 'c', 2), ...bars('NEW', 'c', 2), ...bars('NEW', 'b', 3), ...broken]);
    const sourceOf = (...symbols: string[]) => h.bars.sourceOf(symbols, bar.interval);
    expect([await sourceOf('NEW'), await sourceOf('OLD'), await sourceOf('OLD', 'NEW')]).toEqual([
      'b',
      'c',
      'c',
    ]);
    await expect(sourceOf('NONE')).rejects.toThrow('No bars');
  });

  test('keeps a description of an instrument once until it changes', async () => {
    const h = await history();
    const old = samples().find((r) => r.kind === 'instrument') as InstrumentRecord;
    await h.put([old]);
    const later = { ...old, tsEventUs: old.tsEventUs + 10 };
    expect(await h.put([later])).toMatchObject({ stored: 0, duplicates: 1 });
    expect(await h.put([{ ...later, status: 'halted' }])).toMatchObject({ stored: 1 });
    expect(await all(h, 'instrument')).toHaveLength(2);
  });

  test('keeps what could not be read with its reasons', async () => {
    const h = await history();
    const entry = {
      kind: null,
      symbol: null,
      source: 'kraken',
      tsReceiveUs: 5,
      flags: FLAGS.malformed.bit,
      reasons: ['no JSON'],
    };
    await h.put([], [{ ...entry, content: 'x'.repeat(10_000) }]);
    const [row] = await h.quarantine({ source: 'kraken' });
    expect(row).toMatchObject({ reasons: ['no JSON'], ts_receive_us: 5 });
    expect(row!.content).toHaveLength(4096);
  });
});
