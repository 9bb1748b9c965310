// Tables of bars, trades or quotes, whatever file they come from, as records.
import { MAX_RECORD_BYTES } from '../../../src/core/csv.ts';
import { MalformedBodyError, TooLargeError } from '../../../src/core/errors.ts';
import { layoutOf, type TableKind } from './columns.ts';
import type { FileBatch } from './reading.ts';
import { RowReader, type TableRecord } from './rows.ts';
import { TimeReader } from './times.ts';

/** Rows of a table: text cells, and where each stands in its file (line or row, from 1). */
export interface TableRows {
  readonly fields: readonly (readonly string[])[];
  readonly lines: readonly number[];
}

/** Returns the bytes of a row of cells, about. Throws TooLargeError for one that is longer than a record of CSV may be. */
export function sizeOfRow(cells: readonly string[]): number {
  let size = cells.length;
  for (const text of cells) size += text.length;
  if (size > MAX_RECORD_BYTES)
    throw new TooLargeError(`Expected rows of at most ${MAX_RECORD_BYTES} bytes`, MAX_RECORD_BYTES);
  return size;
}

export interface TableOptions {
  /** What the rows are; recognised by the columns when absent. */
  readonly kind?: TableKind | undefined;
  readonly symbol?: string | undefined;
  readonly source: string;
  /** Length of bars; the most frequent spacing of the first rows when absent. */
  readonly intervalUs?: number | undefined;
  /** Zone of times without one. */
  readonly timeZone?: string | undefined;
  /** Decimals that prices are written without. */
  readonly priceDecimals?: number | undefined;
}

/** Rows that are looked at before the first record is made: by them the spacing of bars and the decimals of prices are told. */
const LOOK_AHEAD = 4096;
const DAY_US = 86_400e6;

/**
 * Yields the records of a table whose first row names the columns, or of one without names in a known order. Throws MalformedBodyError when it is
 * no such table at all, InvalidOptionError for an unknown time zone, and what `rows` throws.
 */
export async function* tableRecords(
  rows: AsyncIterable<TableRows>,
  options: TableOptions,
): AsyncGenerator<FileBatch> {
  const times = new TimeReader(options.timeZone);
  const blocks = rows[Symbol.asyncIterator]();
  try {
    const held: TableRows[] = [];
    let ahead = 0;
    let ended = false;
    while (ahead < LOOK_AHEAD && !ended) {
      const next = await blocks.next();
      if (next.done) ended = true;
      else {
        held.push(next.value);
        ahead += next.value.lines.length;
      }
    }
    const first = held[0]?.fields[0];
    if (!first) throw new MalformedBodyError('Expected a table with a header line, was empty');
    const layout = layoutOf(first, options.kind, times);
    if (layout.at.symbol < 0 && options.symbol === undefined)
      throw new MalformedBodyError(
        'Expected a symbol column in the file, or its symbol as a parameter (--symbol of the command)',
      );
    if (layout.header) held[0] = { fields: held[0]!.fields.slice(1), lines: held[0]!.lines.slice(1) };
    const spacing = new Map<string, number>();
    const intervalUs = (symbol: string) => options.intervalUs ?? spacing.get(symbol) ?? spacing.get('')!;
    const reader = new RowReader(layout, {
      symbol: options.symbol,
      source: options.source,
      times,
      intervalUs,
      priceDecimals: options.priceDecimals,
    });
    if (layout.kind === 'bar') for (const [symbol, us] of spacings(held, reader)) spacing.set(symbol, us);
    for (const block of held) for (const row of block.fields) reader.learn(row);
    // As one: what is told by the first rows is told by all that were looked at.
    const together = { fields: held.flatMap((b) => b.fields), lines: held.flatMap((b) => b.lines) };
    yield records(together, reader);
    while (!ended) {
      const next = await blocks.next();
      if (next.done) ended = true;
      else yield records(next.value, reader);
    }
  } finally {
    await blocks.return?.(undefined);
  }
}

function records({ fields, lines }: TableRows, reader: RowReader): FileBatch {
  const taken: TableRecord[] = [];
  const places: number[] = [];
  const refused: { line: number; reason: string }[] = [];
  let skipped = 0;
  for (let i = 0; i < lines.length; i++) {
    const record = reader.read(fields[i]!);
    if (record === null) skipped++;
    else if (typeof record === 'string') refused.push({ line: lines[i]!, reason: record });
    else {
      taken.push(record);
      places.push(lines[i]!);
    }
  }
  return { records: taken, lines: places, refused, skipped, without: reader.without };
}

// Spacing by symbol; the entry of the empty name is the most frequent one, for symbols that come later.
function spacings(held: readonly TableRows[], reader: RowReader): Map<string, number> {
  const times = new Map<string, number[]>();
  for (const block of held) {
    for (const row of block.fields) {
      const us = reader.timeOf(row);
      if (us === null) continue;
      const symbol = reader.symbolOf(row);
      const list = times.get(symbol);
      if (list) list.push(us);
      else times.set(symbol, [us]);
    }
  }
  const found = new Map(
    [...times].map(([symbol, list]) => [symbol, commonSpacing(Float64Array.from(list).sort())]),
  );
  const longest = [...times].sort((a, b) => b[1].length - a[1].length)[0];
  found.set('', longest ? found.get(longest[0])! : commonSpacing(new Float64Array(0)));
  return found;
}

/** Returns the most frequent distance between neighbouring times that differ, one day for a single bar. */
function commonSpacing(tsUs: Float64Array): number {
  const counts = new Map<number, number>();
  for (let i = 1; i < tsUs.length; i++) {
    const gap = tsUs[i]! - tsUs[i - 1]!;
    // Rows that say one time again.
    if (gap === 0) continue;
    counts.set(gap, (counts.get(gap) ?? 0) + 1);
  }
  let best = DAY_US;
  let bestCount = 0;
  for (const [gap, count] of counts) {
    // The smaller of two equally frequent gaps: the larger one is likelier to be made of missing bars.
    if (count > bestCount || (count === bestCount && gap < best)) [best, bestCount] = [gap, count];
  }
  return best;
}
