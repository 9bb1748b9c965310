// Tables for tests: bytes in pieces, and all records of a table as one batch.
import type { MarketRecord } from '../../../src/market/records.ts';
import type { FileBatch } from './reading.ts';
import { type TableOptions, type TableRows, tableRecords } from './tables.ts';

export async function* chunks(bytes: Uint8Array, size = 1e6) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export async function all(
  rows: AsyncIterable<TableRows>,
  options: Partial<TableOptions> = {},
): Promise<FileBatch> {
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

export const tailOf = (bytes: Uint8Array) => async (length: number) =>
  bytes.subarray(Math.max(0, bytes.length - length));
