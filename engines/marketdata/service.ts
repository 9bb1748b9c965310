// What the Market Data engine does: imports, stores and serves bars, feeds the stream, replays the past.
import { join } from 'node:path';
import { EngineWatch } from '../../src/bus/presence.ts';
import { ConflictError, InvalidOptionError, NotFoundError } from '../../src/core/errors.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { BarStore, type SeriesInfo } from './bar-store.ts';
import { type BarColumns, readBarsCsv } from './csv.ts';
import { LiveFeed } from './live-feed.ts';
import { Replays } from './replays.ts';
import { type BarsQuery, MAX_BARS_JSON, type ReplayRequest } from './schemas.ts';
import { INSTRUMENTS } from './simulated.ts';

// A gzip of text rarely gains more; what gains more is likely made to fill the disk.
const MAX_EXPANSION = 32;
const DAY_US = 86_400 * 1e6;

/** Bars of one series with what they are. */
export interface Bars {
  readonly symbol: string;
  readonly intervalUs: number;
  readonly source: string;
  readonly columns: BarColumns;
}

/** State and decisions of the Market Data engine. */
export class MarketDataService {
  readonly replays: Replays;
  readonly #context: EngineContext;
  readonly #feed: LiveFeed;
  readonly #watch: EngineWatch;
  #store: Promise<BarStore> | undefined;

  constructor(context: EngineContext) {
    const { bus, clock, config } = context;
    this.#context = context;
    this.#feed = new LiveFeed(bus, clock, {
      seed: config.feedSeed,
      intervalMs: config.feedIntervalMs,
      statePath: join(config.dataDir, 'simulated-market.json'),
      onSaveFailed: (err) => context.log.warn({ err }, 'where the simulated market stands cannot be saved'),
    });
    this.#watch = new EngineWatch(bus, clock);
    this.replays = new Replays(context, () => this.#bars(), this.#feed, this.#watch);
  }

  async start(): Promise<void> {
    await this.#watch.start();
    if (this.#context.config.feed === 'simulated') this.#feed.start();
    // Opened in the background: the engine is ready before DuckDB has loaded, requests that need it wait for it.
    this.#bars().catch((err) => this.#context.log.error({ err }, 'the store of bars could not be opened'));
  }

  async stop(): Promise<void> {
    this.#feed.stop();
    await this.replays.stop();
    await (await this.#store?.catch(() => undefined))?.close();
  }

  status() {
    return { feed: this.#context.config.feed, feed_running: this.#feed.running };
  }

  async series() {
    return { series: await (await this.#bars()).series(), simulated: INSTRUMENTS.map((i) => i.symbol) };
  }

  /** Imports a CSV body (plain or gzip). Nothing is stored when the body as a whole is no such file. */
  async import(
    body: AsyncIterable<Uint8Array>,
    query: { symbol?: string | undefined; interval_us?: number | undefined },
  ) {
    const started = performance.now();
    if (query.symbol !== undefined) refuseSimulated([query.symbol]);
    const maxBytes = this.#context.config.maxImportBytes * MAX_EXPANSION;
    const file = await readBarsCsv(body, { symbol: query.symbol, maxBytes });
    refuseSimulated(file.bars.keys());
    const store = await this.#bars();
    const series: SeriesInfo[] = [];
    let imported = 0;
    let replaced = 0;
    for (const [symbol, bars] of file.bars) {
      const intervalUs = query.interval_us ?? commonSpacing(bars.tsUs);
      replaced += await store.put(symbol, intervalUs, bars);
      const n = bars.tsUs.length;
      imported += n;
      const [first_ts_us, last_ts_us] = [bars.tsUs[0]!, bars.tsUs[n - 1]!];
      series.push({ symbol, interval_us: intervalUs, bars: n, first_ts_us, last_ts_us });
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

  /** Reads bars of a stored or simulated symbol: the first from `from_us` on, the newest without. Throws NotFoundError, InvalidOptionError. */
  async bars(symbol: string, query: BarsQuery, arrow: boolean): Promise<Bars> {
    if (!arrow && query.limit > MAX_BARS_JSON) {
      throw new InvalidOptionError(
        `Expected at most ${MAX_BARS_JSON} bars for limit as JSON; ask for Arrow beyond`,
        [{ pointer: 'query/limit', expected: `at most ${MAX_BARS_JSON} as JSON` }],
      );
    }
    const simulated = this.#feed.history(symbol);
    if (simulated) {
      const { from_us, to_us = Number.MAX_SAFE_INTEGER, limit } = query;
      const within = simulated.filter((b) => b.ts_event_us >= (from_us ?? 0) && b.ts_event_us <= to_us);
      const chosen = from_us === undefined ? within.slice(-limit) : within.slice(0, limit);
      const column = (key: 'ts_event_us' | 'open' | 'high' | 'low' | 'close' | 'volume') =>
        Float64Array.from(chosen, (b) => b[key]);
      const [tsUs, open, high] = [column('ts_event_us'), column('open'), column('high')];
      const columns = {
        tsUs,
        open,
        high,
        low: column('low'),
        close: column('close'),
        volume: column('volume'),
      };
      return { symbol, intervalUs: this.#feed.intervalUs, source: 'simulated', columns };
    }
    const intervalUs = await this.#intervalOf(symbol, query.interval_us);
    const { from_us: fromUs, to_us: toUs, limit } = query;
    const columns = await (await this.#bars()).read({
      symbol,
      intervalUs,
      fromUs,
      toUs,
      limit,
      newest: fromUs === undefined,
    });
    return { symbol, intervalUs, source: 'stored', columns };
  }

  async replay(request: ReplayRequest) {
    return this.replays.start(request, await this.#intervalOf(request.symbol, request.interval_us));
  }

  async #intervalOf(symbol: string, asked: number | undefined): Promise<number> {
    const stored = (await (await this.#bars()).series()).filter((s) => s.symbol === symbol);
    if (stored.length === 0) throw new NotFoundError('No bars of this symbol: import some first');
    if (asked !== undefined) {
      if (stored.some((s) => s.interval_us === asked)) return asked;
      throw new NotFoundError(
        `No bars of this interval; stored: ${stored.map((s) => s.interval_us).join(', ')} us`,
      );
    }
    if (stored.length === 1) return stored[0]!.interval_us;
    throw new InvalidOptionError('Expected interval_us, since several intervals of this symbol are stored', [
      { pointer: 'query/interval_us', expected: `one of ${stored.map((s) => s.interval_us).join(', ')}` },
    ]);
  }

  #bars(): Promise<BarStore> {
    const { dataDir, threads } = this.#context.config;
    this.#store ??= BarStore.open(join(dataDir, 'marketdata.duckdb'), threads).catch((error) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }
}

// Real bars under the name of an invented instrument could be neither served nor replayed.
function refuseSimulated(symbols: Iterable<string>): void {
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
