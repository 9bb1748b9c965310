// Reads files of bars of several instruments, for the models that answer for any of them.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import { unzipped, zipEntry } from '../../../../src/core/unzip.ts';
import { sha256 } from '../../../../src/onnx/registry.ts';

/** Bars of one instrument, in time order. */
export interface Series {
  readonly symbol: string;
  readonly tsUs: readonly number[];
  /** Prices over all splits and dividends: what returns are made of. */
  readonly adjusted: readonly { open: number; high: number; low: number; close: number }[];
  /** Price and volume as they were on the day, or in one scale: their product is the turnover. */
  readonly close: readonly number[];
  readonly volume: readonly number[];
}

/** A file, and the instruments that it holds. */
export interface PanelFile {
  readonly file: string;
  readonly sha256: string;
  readonly series: readonly Series[];
}

interface Row {
  readonly symbol: string;
  readonly tsUs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** What prices are multiplied by to be adjusted. */
  readonly factor: number;
}

/**
 * Returns the bars of a file: CSV with `ts_us,symbol,open,high,low,close,volume`, CSV of one stock with `Date,...,Adj Close,Volume` whose
 * symbol is the name's first word, either of them gzipped or not, or a zip of Lean (prices times 10,000) beside its `factor_files`.
 * Throws InvalidOptionError for anything else, and what `zipEntry` and `unzipped` throw.
 */
export async function readPanel(path: string): Promise<PanelFile> {
  const bytes = await readFile(path);
  const file = basename(path);
  const rows = file.endsWith('.zip') ? await leanRows(path) : csvRows(file, bytes);
  if (rows.some((row) => ![row.close, row.volume, row.tsUs, row.factor].every(Number.isFinite))) {
    throw new InvalidOptionError(`Expected numbers in every row of ${file}`);
  }
  const symbols = [...new Set(rows.map(({ symbol }) => symbol))].sort();
  const series = symbols.map((symbol) =>
    seriesOf(
      symbol,
      rows.filter((row) => row.symbol === symbol),
    ),
  );
  return { file, sha256: sha256(bytes), series };
}

function seriesOf(symbol: string, rows: readonly Row[]): Series {
  const sorted = [...rows].sort((a, b) => a.tsUs - b.tsUs);
  return {
    symbol,
    tsUs: sorted.map(({ tsUs }) => tsUs),
    adjusted: sorted.map(({ open, high, low, close, factor }) => ({
      open: open * factor,
      high: high * factor,
      low: low * factor,
      close: close * factor,
    })),
    close: sorted.map(({ close }) => close),
    volume: sorted.map(({ volume }) => volume),
  };
}

function csvRows(file: string, bytes: Uint8Array): Row[] {
  const text = file.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes);
  const rows: Record<string, string>[] = parse(text, { columns: true, skip_empty_lines: true });
  const columns = Object.keys(rows[0] ?? {});
  const [whole, stock] = [columns.includes('ts_us'), columns.includes('Adj Close')];
  if (!whole && !stock) throw new InvalidOptionError(`Expected columns ts_us or Adj Close in ${file}`);
  const symbol = file.split('-')[0]!.toUpperCase();
  return rows.map((row): Row => {
    const of = (name: string) => Number(row[whole ? name : name[0]!.toUpperCase() + name.slice(1)]);
    const prices = { open: of('open'), high: of('high'), low: of('low'), close: of('close') };
    const volume = of('volume');
    if (whole) return { ...prices, volume, symbol: row.symbol!, tsUs: Number(row.ts_us), factor: 1 };
    const factor = Number(row['Adj Close']) / prices.close;
    return { ...prices, volume, symbol, tsUs: Date.parse(`${row.Date}T00:00:00Z`) * 1000, factor };
  });
}

const LEAN_SCALE = 10_000;
/** Of the lines in a zip; daily bars of a century are below 2 MB. */
const MAX_ZIP_BYTES = 64 * 2 ** 20;

/** Rows of a zip of Lean: each day's factor is that of the first line of the factor file that is not before it. */
async function leanRows(path: string): Promise<Row[]> {
  const name = basename(path, '.zip');
  const factorFile = join(dirname(dirname(path)), 'factor_files', `${name}.csv`);
  const factors = (await readFile(factorFile, 'utf8')).trim().split('\n');
  const known = factors.map((line) => {
    const [day, price, split] = line.split(',').map(Number);
    return { day: day!, factor: price! * split! };
  });
  const zip = Bun.file(path);
  const text = await Readable.from(unzipped(zip, await zipEntry(zip, MAX_ZIP_BYTES))).toArray();
  const lines = Buffer.concat(text).toString().trim().split('\n');
  return lines.map((line): Row => {
    const [when, ...numbers] = line.split(',');
    const day = when!.slice(0, 8);
    const [open, high, low, close] = numbers.slice(0, 4).map((price) => Number(price) / LEAN_SCALE);
    return {
      symbol: name.toUpperCase(),
      tsUs: Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`) * 1000,
      open: open!,
      high: high!,
      low: low!,
      close: close!,
      volume: Number(numbers[4]),
      factor: known.find((one) => one.day >= Number(day))!.factor,
    };
  });
}
