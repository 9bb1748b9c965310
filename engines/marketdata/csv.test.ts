// CSV files of bars: what is taken, what is refused and why.
import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { csvRecords } from '../../src/core/csv.ts';
import { MalformedBodyError, TooLargeError } from '../../src/core/errors.ts';
import { sharedData } from '../../test/shared-data.ts';
import { type CsvOptions, readBarsCsv } from './csv.ts';
import { all, chunks } from './files/test-tables.ts';

const read = (text: string, options: Partial<CsvOptions> = {}) =>
  readBarsCsv(chunks(Buffer.from(text), 7), { symbol: 'X', maxBytes: 1e6, ...options });

describe('readBarsCsv', () => {
  test.each(['bars alone', 'files'] as const)(
    'takes the good rows and reports each bad one with its line and reason (import of %s)',
    async (reader) => {
      const rows: [string, string | null][] = [
        ['2022-01-01 00:00:00,10,12,9,11,100', null],
        ['2022-01-01 00:01:00,10,12,9,oops,100', 'close not a number'],
        ['2022-01-01 00:02:00,10,12,9', 'close not a number'],
        ['not a time,10,12,9,11,100', 'time not readable'],
        ['2022-01-01 00:05:00,-1,12,9,11,100', 'open not positive'],
        ['2022-01-01 00:06:00,10,12,9,11,-5', 'volume negative'],
        ['2022-01-01 00:07:00,10,12,9,NaN,1', 'close not a number'],
        ['2022-01-01 00:08:00,10,Infinity,9,11,1', 'high not a number'],
        ['2022-01-01 00:09:00,10,12,9,0x1F,1', 'close not a number'],
        ['2022-01-01 00:10:00,1e1,1.2e1,.9e1,11.,100', null],
      ];
      const text = ['timestamp,open,high,low,close,volume', ...rows.map(([row]) => row)].join('\n');
      const expected = rows.flatMap(([, reason], i) => (reason === null ? [] : [{ line: i + 2, reason }]));
      if (reader === 'files') {
        const { records, refused } = await all(csvRecords(chunks(Buffer.from(text)), 1e6), { symbol: 'X' });
        expect(refused).toEqual(expected);
        expect(records.map((record) => record.kind === 'bar' && record.close)).toEqual([11, 11]);
      } else {
        const result = await read(text);
        expect(result.errors).toEqual(expected);
        expect([result.rows, result.rejected, result.reasons['close not a number']]).toEqual([10, 8, 4]);
        expect([...result.bars.get('X')!.close]).toEqual([11, 11]);
      }
    },
  );

  test('refuses bars that contradict themselves, and times that occur twice', async () => {
    const { errors, bars } = await read(
      [
        'timestamp,open,high,low,close,volume',
        '2022-01-01 00:00:00,10,12,9,11,100',
        '',
        '2022-01-01 00:03:00,10,9,12,11,100',
        '2022-01-01 00:04:00,10,10.5,9,11,100',
        'soon,10,12,9,11,100',
        '2022-01-01 00:00:00,20,22,19,21,100',
      ].join('\n'),
    );
    expect(errors).toEqual([
      { line: 4, reason: 'high below low' },
      { line: 5, reason: 'high below open or close' },
      { line: 6, reason: 'time not readable' },
      { line: 7, reason: 'time occurs twice' },
    ]);
    expect([...bars.get('X')!.close]).toEqual([11]);
  });

  test('reads columns in any order and case, sorts by time, and takes a missing volume as 0', async () => {
    const { bars } = await read('Close,LOW,High,Open,Date\r\n2,1,3,2,2020-01-02\r\n5,4,6,5,2020-01-01\r\n');
    const x = bars.get('X')!;
    expect([[...x.close], [...x.volume], x.tsUs[0]! < x.tsUs[1]!]).toEqual([[5, 2], [0, 0], true]);
  });

  test('splits a file with a symbol column, or takes one symbol of it', async () => {
    const file =
      'ts_us,symbol,open,high,low,close\n1515560100000000,ADA/BTC,5e-5,5e-5,5e-5,5e-5\n1515560100000000,ETH/BTC,1,1,1,1\n';
    expect([...(await read(file, { symbol: undefined })).bars.keys()]).toEqual(['ADA/BTC', 'ETH/BTC']);
    const one = await read(file, { symbol: 'ETH/BTC' });
    expect([[...one.bars.keys()], one.rejected]).toEqual([['ETH/BTC'], 0]);
  });

  test('gives the same bars for plain and gzip, however the bytes are cut', async () => {
    const text = `time,open,high,low,close\n${Array.from({ length: 200 }, (_, i) => `${1_600_000_000 + i * 60},1,2,0.5,1.5`).join('\n')}`;
    const plain = await read(text);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.boolean(), async (size, zip) => {
        const bytes = zip ? gzipSync(text) : Buffer.from(text);
        const cut = await readBarsCsv(chunks(bytes, size), { symbol: 'X', maxBytes: 1e6 });
        expect(cut).toEqual(plain);
      }),
      { numRuns: 30 },
    );
  });

  test('refuses what is no such file, and files past the limit', async () => {
    const options = { symbol: 'X', maxBytes: 1000 };
    await expect(read('')).rejects.toThrow(MalformedBodyError);
    await expect(read('a,b\n1,2')).rejects.toThrow('close: time, open, high, low, close missing');
    await expect(read('time,open,high,low,close\n1,1,1,1,1', { symbol: undefined })).rejects.toThrow(
      'symbol',
    );
    const broken = gzipSync('time,open,high,low,close\n'.repeat(100)).subarray(0, 30);
    await expect(readBarsCsv(chunks(broken), options)).rejects.toThrow('intact gzip');
    await expect(readBarsCsv(chunks(gzipSync('x'.repeat(5000))), options)).rejects.toThrow(TooLargeError);
    await expect(read(`time,open,high,low,close\n"${'y'.repeat(70_000)}\n`)).rejects.toThrow(
      MalformedBodyError,
    );
  });

  const btc = sharedData('btc-perp-1min-ohlcv-2022-01.csv.gz');
  test.skipIf(btc === null)('takes all 45,031 bars of a month of one-minute data', async () => {
    const body = Bun.file(btc!).stream() as unknown as AsyncIterable<Uint8Array>;
    const { rows, rejected, bars } = await readBarsCsv(body, { symbol: 'BTC-PERP', maxBytes: 1e9 });
    const columns = bars.get('BTC-PERP')!;
    expect([rows, rejected, columns.tsUs[0], columns.close.at(-1)]).toEqual([
      45_031, 0, 1_640_991_660_000_000, 38_544,
    ]);
  });
});
