// Reads a CSV file of bars, plain or gzipped, for fitting models from the command line.
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { InvalidOptionError, NotFoundError } from '../../../src/core/errors.ts';
import { type Bar, barInconsistency, barSchema } from '../../../src/market/bar.ts';
import { sha256 } from '../../../src/onnx/registry.ts';

const rowSchema = barSchema.pick({ open: true, high: true, low: true, close: true, volume: true }).extend({
  timestamp: z.string().regex(/^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?$/),
});

/** A file of bars and what identifies it. */
export interface BarFile {
  /** In time order, all of one symbol and interval. */
  readonly bars: readonly Bar[];
  /** SHA-256 of the file as it lies on disk (compressed, when it is). */
  readonly sha256: string;
  readonly intervalUs: number;
}

/**
 * Returns the bars of a CSV file with the columns `timestamp` (UTC, `2022-01-31 23:59:00`), `open`, `high`, `low`,
 * `close` and `volume`; a name ending in `.gz` is gunzipped. The interval is the smallest step between two bars; gaps
 * stay gaps. Throws InvalidOptionError for a broken row, bars that contradict themselves, or times that do not
 * rise, and NotFoundError for a file that can't be read.
 */
export async function readBars(path: string, symbol: string): Promise<BarFile> {
  const bytes = await readFile(path).catch(() => {
    throw new NotFoundError('Expected a file of bars that can be read, was none');
  });
  const rows = csvRows(bytes, path.endsWith('.gz'));
  const parsed = rows.map((row, i) => {
    const result = rowSchema.safeParse({
      timestamp: row.timestamp,
      open: number(row.open),
      high: number(row.high),
      low: number(row.low),
      close: number(row.close),
      volume: number(row.volume),
    });
    const problem = result.success ? barInconsistency(result.data) : result.error.issues[0]?.path.join('/');
    if (!result.success || problem !== null) {
      throw new InvalidOptionError(`Expected a bar in row ${i + 1}, was broken: ${problem}`);
    }
    const { timestamp, ...prices } = result.data;
    return { ...prices, ts_event_us: Date.parse(`${timestamp.replace(' ', 'T')}Z`) * 1000 };
  });
  const steps = parsed.slice(1).map((bar, i) => bar.ts_event_us - parsed[i]!.ts_event_us);
  const intervalUs = steps.reduce((least, step) => Math.min(least, step), Number.POSITIVE_INFINITY);
  if (!(intervalUs > 0 && Number.isFinite(intervalUs))) {
    throw new InvalidOptionError('Expected at least two bars with rising times');
  }
  const bars = parsed.map((bar) => ({ ...bar, symbol, interval_us: intervalUs }));
  return { bars, sha256: sha256(bytes), intervalUs };
}

function csvRows(bytes: Uint8Array, zipped: boolean): Record<string, string>[] {
  try {
    return parse(zipped ? gunzipSync(bytes) : bytes, { columns: true, skip_empty_lines: true });
  } catch {
    throw new InvalidOptionError('Expected CSV with a header, gzipped when its name ends in .gz');
  }
}

/** An empty field is a missing value, not zero. */
function number(field: string | undefined): number {
  return field === undefined || field.trim() === '' ? Number.NaN : Number(field);
}
