// Imports OHLCV CSV into the store of bars.
import { ConflictError } from '../../src/core/errors.ts';
import { readBarsCsv } from './csv.ts';
import { MAX_EXPANSION } from './files/formats.ts';
import { commonSpacing } from './files/tables.ts';
import { type BarHistory, FILE_SOURCE, type SeriesInfo } from './history/bars.ts';
import type { ImportReply } from './schemas.ts';
import { INSTRUMENTS } from './simulated.ts';

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
