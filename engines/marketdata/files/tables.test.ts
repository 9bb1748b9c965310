// Tables of bars, trades and quotes from CSV, Parquet and Arrow: the same records from each, and every refused row with its reason.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  Float32,
  Int64,
  makeVector,
  Table,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import fc from 'fast-check';
import { csvRecords } from '../../../src/core/csv.ts';
import type { MarketRecord, Quote, Trade } from '../../../src/market/records.ts';
import { decimalText, numberOf } from '../../../src/market/scale.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { arrowRows } from './arrow.ts';
import { checkMessage } from './arrow-metadata.ts';
import { parquetRows } from './parquet.ts';
import type { FileBatch } from './reading.ts';
import { plainDecimal } from './rows.ts';
import { type TableOptions, type TableRows, tableRecords } from './tables.ts';
import { TimeReader } from './times.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function* chunks(bytes: Uint8Array, size = 1e6) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all(rows: AsyncIterable<TableRows>, options: Partial<TableOptions> = {}): Promise<FileBatch> {
  const sum = {
    records: [] as MarketRecord[],
    lines: [] as number[],
    refused: [] as FileBatch['refused'][number][],
    skipped: 0,
  };
  for await (const batch of tableRecords(rows, { source: 'file', ...options })) {
    sum.records.push(...batch.records);
    sum.lines.push(...batch.lines);
    sum.refused.push(...batch.refused);
    sum.skipped += batch.skipped;
  }
  return sum;
}

const tailOf = (bytes: Uint8Array) => async (length: number) =>
  bytes.subarray(Math.max(0, bytes.length - length));

const csv = (text: string, options: Partial<TableOptions> = {}) =>
  all(csvRecords(chunks(Buffer.from(text)), 1e8), { symbol: 'X', ...options });

describe('a table', () => {
  test('of trades becomes records with exact prices, sides of the taker, ids and receive times', async () => {
    const { records, lines, refused } = await csv(
      [
        'Time,Price,Qty,isBuyerMaker,trade_id,ts_receive',
        '1723161255000000,61837.63,0.02,true,7,1723161255000100',
        '1723161255000000123,61837.6,1e-3,false,8,',
        '2024-08-08T23:54:15.5Z,5.33e-05,3,,9,',
        '2024-08-08T23:54:15.5Z,x,3,,9,',
        '2024-08-08T23:54:15.5Z,1,,,9,',
        '2024-08-08T23:54:15.5Z,-1,1,,9,',
        'soon,1,1,,9,',
        '2024-08-08T23:54:15.5Z,1,1,perhaps,9,',
        `2024-08-08T23:54:15.5Z,0.${'0'.repeat(15)}1,1,,9,`,
        '2024-08-08T23:54:15.5Z,9007199254740993,1,,9,',
      ].join('\n'),
    );
    const scale = { price: 7, size: 3 };
    const common = { kind: 'trade', symbol: 'X', source: 'file', sequence: null, flags: 0, scale } as const;
    expect(records).toEqual([
      {
        ...common,
        tsEventUs: 1723161255000000,
        tsReceiveUs: 1723161255000100,
        price: 618376300000,
        size: 20,
        side: 'sell',
        id: '7',
      },
      {
        ...common,
        tsEventUs: 1723161255000000,
        tsReceiveUs: 1723161255000000,
        tsEventText: '1723161255000000123',
        price: 618376000000,
        size: 1,
        side: 'buy',
        id: '8',
      },
      {
        ...common,
        tsEventUs: 1723161255500000,
        tsReceiveUs: 1723161255500000,
        price: 533,
        size: 3000,
        side: null,
        id: '9',
      },
    ]);
    expect(lines).toEqual([2, 3, 4]);
    expect(refused).toEqual([
      { line: 5, reason: 'price not a number of at most 15 decimals' },
      { line: 6, reason: 'size not a number of at most 15 decimals' },
      { line: 7, reason: 'price not positive' },
      { line: 8, reason: 'time not readable' },
      { line: 9, reason: 'side not readable' },
      { line: 10, reason: 'price not a number of at most 15 decimals' },
      { line: 11, reason: 'price not a number of at most 15 decimals' },
    ]);
  });

  test('has one scale for a symbol by its first rows, and a larger one from the row on that needs it', async () => {
    const rows = Array.from(
      { length: 9000 },
      (_, i) => `${1_600_000_000 + i},${i === 8500 ? '1.12345' : '1.5'},1`,
    );
    const { records } = await csv(['time,price,size', ...rows, '1700000000,1.2,1'].join('\n'));
    const trades = records as Trade[];
    expect([trades[0]!.scale.price, trades[8499]!.scale.price, trades[8500]!.scale.price]).toEqual([1, 1, 5]);
    expect(new Set(trades.map((t) => t.scale)).size).toBe(2);
    expect(decimalText(trades[8500]!.price, 5)).toBe('1.12345');
  });

  test('without a header is told by its first row, or by its kind', async () => {
    const quotes = await csv('20200101 170000065,1.121200,1.121720,0\n', { timeZone: '-05:00' });
    expect(quotes.records[0]).toMatchObject({
      kind: 'quote',
      tsEventUs: Date.UTC(2020, 0, 1, 22) * 1000 + 65_000,
      bid: 112_120,
      ask: 112_172,
    });
    const bars = await csv('19980102 00:00,973100,975300,965300,973600,2150000\n19980105 00:00,1,1,1,1,1', {
      timeZone: 'America/New_York',
    });
    expect(bars.records[0]).toMatchObject({
      kind: 'bar',
      tsEventUs: Date.UTC(1998, 0, 2, 5) * 1000,
      interval: 3 * 86_400e6,
      close: 973600,
    });
    const trades = await csv('1600000000,10,1\n', { kind: 'trade' });
    expect(trades.records[0]).toMatchObject({ kind: 'trade', price: 10, size: 1 });
    await expect(csv('1600000000,10,1000\n')).rejects.toThrow('kind of a file without one');
  });

  test('of prices without their decimals has them exactly, whatever the numbers look like', async () => {
    const { records, refused } = await csv(
      'time,bid,ask,bid_size\n1600000000,973100,9.732e5,7\n1600000001,,1,7\n1600000002,1e5e3,1,7\n1600000003,1e,1,7',
      { priceDecimals: 4 },
    );
    const prices = (records as Quote[]).map(({ bid, ask, bidSize, scale }) => [
      decimalText(bid, scale.price),
      decimalText(ask, scale.price),
      bidSize,
    ]);
    expect(prices).toEqual([
      ['97.31', '97.32', 7],
      ['0', '0.0001', 7],
    ]);
    expect(refused.map(({ line }) => line)).toEqual([4, 5]);
    const { records: bars } = await csv('time,open,high,low,close\n1600000000,973100,975301,965300,97365e1', {
      priceDecimals: 4,
    });
    expect(bars[0]).toMatchObject({ open: 97.31, high: 97.5301, low: 96.53, close: 97.365 });
  });

  test('names what is missing of a kind', async () => {
    await expect(csv('time,open,high,low\n1,1,1,1', { kind: 'bar' })).rejects.toThrow('close missing');
    await expect(csv('a,b\n1,2')).rejects.toThrow('Expected a header line');
    await expect(csv('time,price,size\n1,1,1', { symbol: undefined })).rejects.toThrow('symbol');
    await expect(csv('')).rejects.toThrow('empty');
    await expect(csv(`${'a,'.repeat(2000)}b\n`)).rejects.toThrow('at most 1000 columns');
    await expect(csv('time,bid,ask\n', { timeZone: 'Mars/Olympus' })).rejects.toThrow('IANA');
  });

  test('takes one symbol of several, each with its own spacing of bars', async () => {
    const text =
      'ts,symbol,open,high,low,close\n' +
      [0, 1, 2]
        .map((i) => `${1_600_000_000 + i * 60},A,1,1,1,1\n${1_600_000_000 + i * 300},B,1,1,1,1\n`)
        .join('');
    const both = await csv(text, { symbol: undefined });
    expect(both.records.map((r) => (r.kind === 'bar' ? [r.symbol, r.interval / 1e6] : []))).toContainEqual([
      'B',
      300,
    ]);
    const one = await csv(text, { symbol: 'A' });
    expect([one.records.length, one.skipped]).toEqual([3, 3]);
  });

  test('gives the same records as CSV, Parquet and Arrow', async () => {
    const count = 5000;
    const times = Array.from({ length: count }, (_, i) => 1_723_161_255_000_000 + i * 1001);
    const prices = times.map((_, i) => (6_180_020 + ((i * 7919) % 2001)) / 100);
    const sizes = times.map((_, i) => ((i % 97) + 1) / 1000);
    const text = [
      'ts_us,symbol,price,size,side',
      ...times.map((us, i) => `${us},BTC-USD,${prices[i]},${sizes[i]},${i % 3 ? 'buy' : 'sell'}`),
    ].join('\n');
    const path = join(folder, "trades' file.parquet");
    writeFileSync(join(folder, 'trades.csv'), text);
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    await connection.run(
      `COPY (SELECT make_timestamp(ts_us) AS ts, symbol, price::DECIMAL(12,2) AS price, size, side, [1] IS NULL AS unused FROM '${join(folder, 'trades.csv')}')
         TO '${path.replaceAll("'", "''")}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    connection.closeSync();
    instance.closeSync();
    const table = new Table({
      ts: vectorFromArray(times.map(BigInt), new Int64()),
      symbol: vectorFromArray(times.map(() => 'BTC-USD')),
      price: makeVector(Float64Array.from(prices)),
      size: vectorFromArray(sizes, new Float32()),
      side: vectorFromArray(
        times.map((_, i) => (i % 3 ? 'buy' : 'sell')),
        new Utf8(),
      ),
    });
    const expected = (await csv(text, { symbol: undefined })).records;
    expect(expected).toHaveLength(count);
    expect((await all(parquetRows(path, 1e8))).records).toEqual(expected);
    for (const format of ['stream', 'file'] as const) {
      const ipc = tableToIPC(table, format);
      for (const size of [1000, 1e7])
        expect((await all(arrowRows(chunks(ipc, size), 1e8, tailOf(ipc)))).records).toEqual(expected);
    }
  });

  for (const [name, kind, rows, options] of [
    ['eurusd-quotes-2020-01-01.csv.gz', 'quote', 9500, { symbol: 'EUR/USD', timeZone: '-05:00' }],
    ['usdjpy-quotes-truefx.csv.gz', 'quote', 1000, { symbol: 'USD/JPY' }],
    ['btc-perp-1min-ohlcv-2022-01.csv.gz', 'bar', 45_031, { symbol: 'BTC-PERP' }],
    ['crypto-10-pairs-5min-ohlcv-2018-01.csv.gz', 'bar', 57_546, {}],
    ['sp500-daily-ohlcv-2000-2020.csv.gz', 'bar', 5105, { symbol: 'SPX' }],
    ['vix-daily.csv.gz', 'bar', null, { symbol: 'VIX' }],
    ['orcl-1995-2014-daily-ohlcv.csv.gz', 'bar', null, { symbol: 'ORCL' }],
    ['yhoo-1996-2014-daily-ohlcv.csv.gz', 'bar', null, { symbol: 'YHOO' }],
    ['nvda-1999-2014-daily-ohlcv.csv.gz', 'bar', null, { symbol: 'NVDA' }],
  ] as const) {
    const path = sharedData(name);
    test.skipIf(path === null)(`of the real file ${name} is read whole`, async () => {
      const body = Bun.file(path!).stream() as unknown as AsyncIterable<Uint8Array>;
      const { records, refused } = await all(csvRecords(body, 1e9), options);
      expect(refused).toEqual([]);
      expect(records.every((r) => r.kind === kind)).toBe(true);
      if (rows !== null) expect(records).toHaveLength(rows);
      else expect(records.length).toBeGreaterThan(3500);
    });
  }

  test.skipIf(sharedData('eurusd-quotes-2020-01-01.csv.gz') === null)(
    'of EUR/USD has the prices of its text',
    async () => {
      const body = Bun.file(
        sharedData('eurusd-quotes-2020-01-01.csv.gz')!,
      ).stream() as unknown as AsyncIterable<Uint8Array>;
      const { records } = await all(csvRecords(body, 1e9), { symbol: 'EUR/USD' });
      const [first, second] = records as [Quote, Quote];
      expect([numberOf(first.bid, first.scale.price), numberOf(first.ask, first.scale.price)]).toEqual([
        1.1212, 1.12172,
      ]);
      expect(second.tsEventUs - first.tsEventUs).toBe(10_382_000);
    },
  );
});

describe('a Parquet file', () => {
  async function parquet(select: string): Promise<string> {
    const path = join(folder, `${Bun.hash(select)}.parquet`);
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
    connection.closeSync();
    instance.closeSync();
    return path;
  }

  test('is refused when it is damaged, nested, without known columns or too large', async () => {
    const good = await parquet('SELECT range * 1000000 AS ts_us, 1.5 AS price, 2 AS size FROM range(3000)');
    const bytes = await Bun.file(good).bytes();
    const path = join(folder, 'damaged.parquet');
    for (const cut of [10, bytes.length >> 1, bytes.length - 3]) {
      writeFileSync(path, bytes.subarray(0, cut));
      await expect(all(parquetRows(path, 1e8), { symbol: 'X' })).rejects.toThrow(
        'Expected a readable Parquet file',
      );
    }
    // The footer stays and says what is not there.
    const lying = Uint8Array.from(bytes);
    lying.fill(0xff, 4, bytes.length - 800);
    writeFileSync(path, lying);
    await expect(all(parquetRows(path, 1e8), { symbol: 'X' })).rejects.toThrow(
      'Expected a readable Parquet file',
    );
    await expect(all(parquetRows(await parquet('SELECT 1 AS ts, {a: 1} AS price'), 1e8))).rejects.toThrow(
      'without nested columns',
    );
    await expect(all(parquetRows(await parquet('SELECT 1 AS ts, [1] AS x'), 1e8))).rejects.toThrow(
      'without nested columns',
    );
    await expect(all(parquetRows(await parquet('SELECT 1 AS x'), 1e8))).rejects.toThrow('columns of bars');
    await expect(all(parquetRows(good, 1000), { symbol: 'X' })).rejects.toThrow('at most 1000 bytes');
    await expect(all(parquetRows(join(folder, '*.parquet'), 1e8))).rejects.toThrow('a path without');
  });

  test('has times with and without a zone, nanoseconds and missing values', async () => {
    const path = await parquet(
      "SELECT TIMESTAMPTZ '2020-01-01 17:00:00-05' AS ts, '2020-01-01 17:00:00.123456789'::TIMESTAMP_NS AS ts_receive, 1.5::FLOAT AS bid, NULL::DOUBLE AS ask",
    );
    const { records } = await all(parquetRows(path, 1e8), { symbol: 'X', timeZone: '-05:00' });
    expect(records[0]).toMatchObject({
      tsEventUs: Date.UTC(2020, 0, 1, 22) * 1000,
      tsReceiveUs: Date.UTC(2020, 0, 1, 22) * 1000 + 123_456,
      bid: 15,
      ask: 0,
    });
  });
});

describe('an Arrow body', () => {
  const table = tableFromArrays({
    ts: BigInt64Array.from([1_600_000_000n]),
    bid: Float64Array.of(1.5),
    ask: Float64Array.of(1.6),
  });
  const ipc = Buffer.from(tableToIPC(table, 'stream'));

  test('has times, dates and decimals as its types say', async () => {
    const bytes = tableToIPC(tableFromIPC(ipc), 'file');
    const { records } = await all(arrowRows(chunks(bytes), 1e6, tailOf(bytes)), { symbol: 'X' });
    expect(records[0]).toMatchObject({ tsEventUs: 1_600_000_000_000_000, bid: 15, ask: 16 });
    const { TimestampNanosecond, DateDay, Decimal, makeData } = await import('apache-arrow');
    const words = Uint32Array.of(12_345, 0, 0, 0, 0xffff_ffff - 99, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff);
    const typed = new Table({
      ts: makeVector(
        makeData({
          type: new TimestampNanosecond(),
          data: BigInt64Array.of(1_577_898_000_123_456_789n, -1n),
        }),
      ),
      ts_receive: makeVector(makeData({ type: new DateDay(), data: Int32Array.of(18_262, 0) })),
      price: makeVector(makeData({ type: new Decimal(3, 10, 128), data: words })),
      size: makeVector(Float64Array.of(1, 1)),
    });
    const read = await all(arrowRows(chunks(tableToIPC(typed, 'stream')), 1e6), {
      symbol: 'X',
      timeZone: '-05:00',
    });
    expect(read.records[0]).toMatchObject({
      tsEventUs: Date.UTC(2020, 0, 1, 22) * 1000 + 123_456,
      tsEventText: '2020-01-01 17:00:00.123456789',
      tsReceiveUs: Date.UTC(2020, 0, 1, 5) * 1000,
      price: 12_345,
      scale: { price: 3, size: 0 },
    });
    // The other one is of 1969 with a price of -0.1.
    expect(read.refused).toHaveLength(1);
  });

  test('is refused when it is cut within a message, never read beyond its end', async () => {
    // A stream may end without its mark, so that what is cut between messages is a whole one: behind the schema, and behind the batch.
    const between = [8 + ipc.readInt32LE(4), ipc.length - 8];
    for (let length = 1; length < ipc.length; length++) {
      const read = all(arrowRows(chunks(ipc.subarray(0, length)), 1e6), { symbol: 'X' });
      if (between.includes(length)) expect((await read).records).toHaveLength(length > between[0]! ? 1 : 0);
      else await expect(read).rejects.toThrow('Expected');
    }
  });

  test('comes to an end whichever byte is damaged, as rows or refused', async () => {
    for (let at = 0; at < ipc.length; at++) {
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) {
        const damaged = Buffer.from(ipc);
        damaged[at] = byte;
        // Some bytes are padding or prices: then there is one row, taken or refused.
        const read = await all(arrowRows(chunks(damaged), 1e6), { symbol: 'X' }).catch(
          (error: Error) => error,
        );
        if (read instanceof Error) expect(read.message).toStartWith('Expected');
        else expect(read.records.length + read.refused.length).toBeLessThanOrEqual(1);
      }
    }
  });

  test('is refused with metadata that points out of itself, or in circles', async () => {
    const fields = Buffer.from(ipc);
    // The number of columns of its schema.
    fields[80] = 0x7f;
    await expect(all(arrowRows(chunks(fields), 1e6), { symbol: 'X' })).rejects.toThrow(
      'points out of itself',
    );
    // A table whose only field is itself: nested without end.
    const circle = new Uint8Array(64);
    const view = new DataView(circle.buffer);
    view.setUint32(0, 24, true);
    // Where the entries of a message are: its kind at 4, its header at 8.
    for (const [i, value] of [10, 12, 0, 4, 8].entries()) view.setUint16(4 + i * 2, value, true);
    view.setInt32(24, 20, true);
    circle[28] = 1;
    view.setUint32(32, 2 ** 32 - 8, true);
    expect(() => checkMessage(circle)).toThrow('points out of itself');
  });

  test('is refused with its announced lengths, before anything is reserved for them', async () => {
    const huge = Buffer.from(ipc);
    huge.writeInt32LE(0x7fff_ffff, 4);
    await expect(all(arrowRows(chunks(huge), 1e6))).rejects.toThrow('impossible length');
    await expect(all(arrowRows(chunks(Buffer.from('no arrow at all')), 1e6))).rejects.toThrow(
      'does not begin',
    );
    const file = tableToIPC(tableFromIPC(ipc), 'file');
    await expect(all(arrowRows(chunks(file), 1e6))).rejects.toThrow('the schema is in the footer only');
    const nested = tableToIPC(tableFromArrays({ ts: [[1], [2]] as unknown as number[] }), 'stream');
    await expect(all(arrowRows(chunks(nested), 1e6))).rejects.toThrow('not nested ones');
    await expect(all(arrowRows(chunks(ipc), 100))).rejects.toThrow('at most 100 bytes');
    // The length of the body of its batch, as its metadata says it.
    const batch = 8 + ipc.readInt32LE(4);
    const metadata = ipc.subarray(batch + 8, batch + 8 + ipc.readInt32LE(batch + 4));
    const length = BigInt(ipc.length - 8 - batch - 8 - metadata.length);
    const at = Array.from({ length: metadata.length / 8 }, (_, i) => i * 8).find(
      (place) => metadata.readBigInt64LE(place) === length,
    )!;
    const large = Buffer.from(ipc);
    large.writeBigInt64LE(2n ** 29n, batch + 8 + at);
    await expect(all(arrowRows(chunks(large), 1e6))).rejects.toThrow('batches of at most');
  });

  test('is refused with a dictionary that makes much of little, row by row', async () => {
    const numbers = () => Float64Array.from({ length: 5000 }, (_, i) => i);
    const symbol = vectorFromArray(Array(5000).fill('x'.repeat(70_000)));
    const table = new Table({
      ts: makeVector(numbers()),
      symbol,
      bid: makeVector(numbers()),
      ask: makeVector(numbers()),
    });
    const bytes = tableToIPC(table, 'stream');
    expect(bytes.length).toBeLessThan(300_000);
    await expect(all(arrowRows(chunks(bytes), 1e9))).rejects.toThrow('rows of at most 65536 bytes');
  });
});

describe('times of files', () => {
  test('are read in the forms of their sources', () => {
    const utc = new TimeReader();
    const noon = Date.UTC(2020, 0, 1, 12) * 1000;
    for (const text of [
      '20200101 12:00',
      '20200101 120000',
      '20200101 120000000',
      '20200101120000',
      '2020-01-01T12:00Z',
      '1577880000',
    ])
      expect([text, utc.read(text)]).toEqual([text, noon]);
    expect([utc.read('20200101'), utc.read('20201301'), utc.read('noon')]).toEqual([
      noon - 43_200e6,
      null,
      null,
    ]);
    expect([utc.fine('1577880000000000001'), utc.fine('1577880000000000000')]).toEqual([
      '1577880000000000001',
      undefined,
    ]);
    expect([utc.fine('2020-01-01 12:00:00.123456'), utc.fine('2020-01-01 12:00:00.1234560')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('follow summer time, hour by hour, and a zone that they name themselves wins', () => {
    const newYork = new TimeReader('America/New_York');
    expect(newYork.read('2020-01-15 12:00')).toBe(Date.UTC(2020, 0, 15, 17) * 1000);
    expect(newYork.read('2020-07-15 12:00')).toBe(Date.UTC(2020, 6, 15, 16) * 1000);
    expect(newYork.read('2020-03-08 01:59:59')).toBe(Date.UTC(2020, 2, 8, 6, 59, 59) * 1000);
    expect(newYork.read('2020-03-08 03:00:00')).toBe(Date.UTC(2020, 2, 8, 7) * 1000);
    expect(newYork.read('2020-07-15 12:00+02:00')).toBe(Date.UTC(2020, 6, 15, 10) * 1000);
    expect(newYork.read('1577880000')).toBe(1577880000e6);
  });
});

describe('plainDecimal', () => {
  test('writes the same number without an exponent', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e100, max: 1e100 }),
        fc.nat(15),
        (value, digits) => {
          const text = value.toExponential(digits);
          const plain = plainDecimal(text);
          expect(plain).not.toMatch(/e/i);
          expect(Number(plain)).toBe(Number(text));
        },
      ),
    );
  });
});
