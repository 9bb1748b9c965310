// Imports OHLCV CSV into the store of bars.
import { ConflictError } from '../../src/core/errors.ts';
import { readBarsCsv } from './csv.ts';
import { type BarHistory, FILE_SOURCE, type SeriesInfo } from './history/bars.ts';
import type { ImportReply } from './schemas.ts';
import { INSTRUMENTS } from './simulated.ts';

// A gzip of text rarely gains more; what gains more is likely made to fill the disk.
const MAX_EXPANSION = 32;
const DAY_US = 86_400 * 1e6;

export interface ImportOptions {
  readonly symbol?: string | undefined;
  readonly interval_us?: number | undefined;
  /** Most bytes of the body. */
  readonly maxBytes: number;
  /** Called before each series is stored; what it throws ends the import there. */
  readonly onSeries?: (symbol: string) => void;
}

/**
 * Imports a CSV body (plain or gzip). Nothing is stored when the body as a whole is no such file; a bar of a time that is stored
 * already replaces it, so that an import may be repeated.
 */
export async function importBars(
  body: AsyncIterable<Uint8Array>,
  openStore: () => Promise<BarHistory>,
  options: ImportOptions,
): Promise<ImportReply> {
  const started = performance.now();
  if (options.symbol !== undefined) refuseSimulated([options.symbol]);
  const maxBytes = options.maxBytes * MAX_EXPANSION;
  const file = await readBarsCsv(body, { symbol: options.symbol, maxBytes });
  refuseSimulated(file.bars.keys());
  const store = await openStore();
  const series: SeriesInfo[] = [];
  let imported = 0;
  let replaced = 0;
  for (const [symbol, bars] of file.bars) {
    options.onSeries?.(symbol);
    const intervalUs = options.interval_us ?? commonSpacing(bars.tsUs);
    replaced += await store.put(symbol, intervalUs, bars);
    const n = bars.tsUs.length;
    imported += n;
    const [first_ts_us, last_ts_us] = [bars.tsUs[0]!, bars.tsUs[n - 1]!];
    series.push({ symbol, interval_us: intervalUs, source: FILE_SOURCE, bars: n, first_ts_us, last_ts_us });
  }
  const { rows, rejected, reasons, errors } = file;
  const processing_time_ms = Math.round(performance.now() - started);
  return {
    rows,
    imported,
    replaced,
    rejected,
    reasons: { ...reasons },
    errors: [...errors],
    series,
    processing_time_ms,
  };
}

/** Throws ConflictError: real bars under the name of an invented instrument could be neither served nor replayed. */
export function refuseSimulated(symbols: Iterable<string>): void {
  for (const symbol of symbols) {
    if (!INSTRUMENTS.some((i) => i.symbol === symbol)) continue;
    throw new ConflictError(`Expected a symbol other than those of the simulated market, such as ${symbol}`);
  }
}

/** Returns the most frequent distance between neighbouring times, one day for a single bar. */
export function commonSpacing(tsUs: Float64Array): number {
  const counts = new Map<number, number>();
  for (let i = 1; i < tsUs.length; i++) {
    const gap = tsUs[i]! - tsUs[i - 1]!;
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
