// CSV files of bars as tables: what is taken, what is refused and why, however the bytes come.
import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { csvRecords } from '../../../src/core/csv.ts';
import { MalformedBodyError, TooLargeError } from '../../../src/core/errors.ts';
import { all, chunks } from './test-tables.ts';

const read = (bytes: string | Uint8Array, size = 7, maxBytes = 1e6) =>
  all(csvRecords(chunks(Buffer.from(bytes), size), maxBytes), { kind: 'bar', symbol: 'X' });

describe('a CSV of bars', () => {
  test('has its good rows taken, and each bad one reported with its line and reason', async () => {
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
    const { records, lines, refused } = await read(text);
    expect(refused).toEqual(
      rows.flatMap(([, reason], i) => (reason === null ? [] : [{ line: i + 2, reason }])),
    );
    expect(records.map((record) => record.kind === 'bar' && record.close)).toEqual([11, 11]);
    expect(lines).toEqual([2, 11]);
  });

  test('has its columns in any order and case, and no volume as 0', async () => {
    const { records } = await read(
      'Close,LOW,High,Open,Date\r\n2,1,3,2,2020-01-02\r\n5,4,6,5,2020-01-01\r\n',
    );
    expect(records).toMatchObject([
      { open: 2, high: 3, low: 1, close: 2, volume: 0 },
      { open: 5, high: 6, low: 4, close: 5, volume: 0 },
    ]);
  });

  test('has the same bars as plain text and as gzip, however the bytes are cut', async () => {
    const text = `time,open,high,low,close\n${Array.from({ length: 200 }, (_, i) => `${1_600_000_000 + i * 60},1,2,0.5,1.5`).join('\n')}`;
    const plain = await read(text);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.boolean(), async (size, zip) => {
        expect(await read(zip ? gzipSync(text) : text, size)).toEqual(plain);
      }),
      { numRuns: 30 },
    );
  });

  test('is refused where it is no such file, and past the limit', async () => {
    await expect(read('a,b\n1,2')).rejects.toThrow('close: time, open, high, low, close missing');
    const broken = gzipSync('time,open,high,low,close\n'.repeat(100)).subarray(0, 30);
    await expect(read(broken)).rejects.toThrow('intact gzip');
    await expect(read(gzipSync('x'.repeat(5000)), 7, 1000)).rejects.toThrow(TooLargeError);
    await expect(read(`time,open,high,low,close\n"${'y'.repeat(70_000)}\n`, 1e6)).rejects.toThrow(
      MalformedBodyError,
    );
  });
});
