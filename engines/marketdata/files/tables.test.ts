// Tables of bars, trades and quotes: the same records from CSV, Parquet and Arrow, and every refused row with its reason.
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Float32, Int64, makeVector, Table, tableToIPC, Utf8, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { csvRecords } from '../../../src/core/csv.ts';
import type { Quote, Trade } from '../../../src/market/records.ts';
import { decimalText, numberOf } from '../../../src/market/scale.ts';
import { sharedData } from '../../../test/shared-data.ts';
import { arrowRows } from './arrow.ts';
import { parquetRows } from './parquet.ts';
import { plainDecimal } from './rows.ts';
import type { TableOptions } from './tables.ts';
import { all, chunks, tailOf } from './test-tables.ts';
import { TimeReader } from './times.ts';

const folder = mkdtempSync(join(tmpdir(), 'import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const csv = (text: string, options: Partial<TableOptions> = {}) =>
  all(csvRecords(chunks(Buffer.from(text)), 1e8), { symbol: 'X', ...options });

describe('a table', () => {
  test('with the residue of binary fractions has the decimals that were meant, and no others', async () => {
    const sizes = [0.1 + 0.2, 0.1 * 7, 99.9 * 3, 1.1e-7 * 3, '123456789.12345678', '0.123456789012345678'];
    const text = ['time,price,size', ...sizes.map((size) => `1600000000,1,${size}`)].join('\n');
    const { records, refused } = await csv(text);
    expect(
      records.map((record) => decimalText((record as Trade).size, (record as Trade).scale.size)),
    ).toEqual(['0.3', '0.7', '299.7', '0.00000033']);
    expect(refused.map(({ line }) => line)).toEqual([6, 7]);
  });

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

  test('goes on after a price with decimals that leave no room for others', async () => {
    const tiny = '0.000000000000001';
    const rows = ['61800.20,1', `${tiny},1`, '61800.25,2', `61800.2,${tiny}`, '61800.3,3'];
    const text = ['timestamp,price,size', ...rows.map((row, i) => `${1_700_000_000 + i},${row}`)].join('\n');
    const { records, refused } = await csv(text);
    expect(refused).toEqual([]);
    expect(
      (records as Trade[]).map(({ price, size, scale }) => [
        decimalText(price, scale.price),
        decimalText(size, scale.size),
      ]),
    ).toEqual([
      ['61800.2', '1'],
      [tiny, '1'],
      ['61800.25', '2'],
      ['61800.2', tiny],
      ['61800.3', '3'],
    ]);
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

  test('with a date and a time of day in columns of their own has the moments of both', async () => {
    const { records, refused } = await csv(
      [
        'Date,Time,Open,High,Low,Close',
        '2020-01-02,09:30,1,1,1,1',
        '20200102,093100,2,2,2,2',
        '2020-01-02,,3,3,3,3',
      ].join('\n'),
      { timeZone: '-05:00' },
    );
    const start = Date.UTC(2020, 0, 2, 14, 30) * 1000;
    expect(records.map((one) => one.kind === 'bar' && [one.tsEventUs, one.close])).toEqual([
      [start, 1],
      [start + 60e6, 2],
    ]);
    expect(refused).toEqual([{ line: 4, reason: 'time not readable' }]);
    // A column of whole moments before them is finer than both.
    const { records: fine } = await csv(
      'ts_event_us,Date,Time,Price,Size\n1577975400000123,2020-01-02,14:30,1,1',
    );
    expect(fine).toMatchObject([{ tsEventUs: 1577975400000123 }]);
  });

  test('names what is missing of a kind', async () => {
    await expect(csv('time,open,high,low\n1,1,1,1', { kind: 'bar' })).rejects.toThrow('close missing');
    await expect(csv('a,b\n1,2')).rejects.toThrow('Expected a header line');
    await expect(csv('time,price,size\n1,1,1', { symbol: undefined })).rejects.toThrow('symbol');
    await expect(csv('')).rejects.toThrow('empty');
    await expect(csv(`${'a,'.repeat(2000)}b\n`)).rejects.toThrow('at most 1000 columns');
    for (const timeZone of ['Mars/Olympus', '+15:00', '-05:60'])
      await expect(csv('time,bid,ask\n', { timeZone })).rejects.toThrow('IANA');
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
