// Daily bars of the real market data files, for tests; null where a machine does not have them.
import { readFileSync } from 'node:fs';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { sharedData } from '../shared-data.ts';

/** One row of a daily file: prices as the file has them, `adjusted` where it has adjusted closes. */
export interface DailyRow {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly adjusted: number;
  readonly volume: number;
}

/** Returns the first column of a CSV file with a header. */
export function csvDates(name: string): string[] | null {
  const lines = csvLines(name);
  return lines?.slice(1).map((line) => line.slice(0, line.indexOf(','))) ?? null;
}

/** Returns the rows of one of the files with `Date,Open,High,Low,Close,Adj Close,Volume`. */
export function dailyCsv(name: string): DailyRow[] | null {
  return csvLines(name)?.slice(1).map(dailyRow) ?? null;
}

function dailyRow(line: string): DailyRow {
  const [date, ...numbers] = line.split(',');
  const [open, high, low, close, adjusted, volume] = numbers.map(Number) as number[];
  return {
    date: date!,
    open: open!,
    high: high!,
    low: low!,
    close: close!,
    adjusted: adjusted!,
    volume: volume!,
  };
}

/** Returns the unadjusted daily rows of a symbol of the LEAN files. */
export function leanDaily(symbol: string): DailyRow[] | null {
  const path = sharedData(`lean/daily/${symbol}.zip`);
  if (path === null) return null;
  const bytes = readFileSync(path);
  // One deflated entry behind its local header.
  const start = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28);
  const lines = inflateRawSync(bytes.subarray(start)).toString().trim().split('\n');
  return lines.map((line) => {
    const [time, ...numbers] = line.split(',');
    // Prices are kept times 10,000.
    const [open, high, low, close, volume] = numbers.map(Number) as number[];
    const date = `${time!.slice(0, 4)}-${time!.slice(4, 6)}-${time!.slice(6, 8)}`;
    return {
      date,
      open: open! / 1e4,
      high: high! / 1e4,
      low: low! / 1e4,
      close: close! / 1e4,
      adjusted: close! / 1e4,
      volume: volume!,
    };
  });
}

/** One row of a LEAN factor file: until and with `date` (`YYYY-MM-DD`), whose close was `reference`. */
export interface FactorRow {
  readonly date: string;
  readonly price: number;
  readonly split: number;
  readonly reference: number;
}

/** Returns the factor file of a symbol of the LEAN files. */
export function leanFactors(symbol: string): FactorRow[] | null {
  const path = sharedData(`lean/factor_files/${symbol}.csv`);
  if (path === null) return null;
  const lines = readFileSync(path, 'utf8').trim().split(/\r?\n/);
  return lines.map((line) => {
    const [time, price, split, reference] = line.split(',');
    const date = `${time!.slice(0, 4)}-${time!.slice(4, 6)}-${time!.slice(6, 8)}`;
    return { date, price: Number(price), split: Number(split), reference: Number(reference) };
  });
}

function csvLines(name: string): string[] | null {
  const path = sharedData(name);
  return path === null ? null : gunzipSync(readFileSync(path)).toString().trim().split(/\r?\n/);
}
