// A source for tests that says what it is told to say.
import type {
  BarRecord,
  BookDelta,
  BookSnapshot,
  InstrumentRecord,
  MarketRecord,
  Quote,
  Trade,
} from '../../../src/market/records.ts';
import type { Scale } from '../../../src/market/scale.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import type { Capabilities, LiveSession, SourceFactory, SourceSink, Wanted } from '../sources/port.ts';

const SCALE: Scale = { price: 2, size: 3 };

/** One scripted source; `sink` is there while its stream is open. */
export class ScriptedSource {
  sink: SourceSink | undefined;
  wanted: readonly Wanted[] = [];
  readonly resyncs: string[] = [];
  opened = 0;
  /** Whether it connects by itself as soon as it is opened. */
  connects = true;
  /** Thrown by its stream when it is opened. */
  failure: Error | undefined;
  endpoints: Record<string, string | undefined> = {};
  history: readonly (readonly MarketRecord[])[] = [];
  /** Thrown by its history before anything comes. */
  historyError: Error | undefined;
  /** Most levels of a side that its books have. */
  mostLevels: number | undefined;
  /** Calendars by name; none for other names. */
  calendars: Readonly<Record<string, Calendar>> = {};
  /** What it lists; it has no list while this is undefined. */
  lists: readonly string[] | Error | undefined;
  listed = 0;
  requestsPerMinute: number | undefined;

  constructor(
    readonly id: string,
    readonly live: Capabilities['live'] = ['trade', 'quote', 'bar', 'book_delta', 'book_snapshot'],
    readonly key: Capabilities['key'] = 'none',
    readonly credentials: readonly string[] = [],
  ) {}

  readonly factory: SourceFactory = (context) => {
    this.endpoints = { rest: context.endpoint('rest'), stream: context.endpoint('stream') };
    this.requestsPerMinute = context.requestsPerMinute;
    return {
      id: this.id,
      title: `Scripted ${this.id}`,
      capabilities: {
        live: this.live,
        historical: ['trade', 'bar', 'corporate_action'],
        key: this.key,
        credentials: this.credentials,
        limits: { requestsPerMinute: null, symbolsPerConnection: null },
        verified: 'documentation',
      },
      nativeSymbol: (symbol) => symbol,
      ...(this.lists === undefined ? {} : { instruments: () => this.#instruments() }),
      ...(this.mostLevels === undefined
        ? {}
        : { bookLevels: (wished = 10) => Math.min(wished, this.mostLevels!) }),
      calendar: (native) => this.calendars[native] ?? null,
      live: (sink) => this.#open(sink),
      history: (request, signal) => this.#history(request.fromUs, request.toUs, signal),
    };
  };

  say(...records: readonly MarketRecord[]): void {
    this.sink!.records(records);
  }

  drop(reason = 'connection reset'): void {
    this.sink!.event({ event: 'disconnected', reason, retryMs: 1000 });
  }

  trade(tsUs: number, price: number, over: Partial<Trade> = {}): Trade {
    return {
      ...this.#stamp(tsUs),
      kind: 'trade',
      price,
      size: 1000,
      side: 'buy',
      id: null,
      scale: SCALE,
      ...over,
    };
  }

  quote(tsUs: number, bid: number, ask: number, over: Partial<Quote> = {}): Quote {
    const sizes = { bidSize: 1000, askSize: 2000 };
    return { ...this.#stamp(tsUs), kind: 'quote', bid, ask, ...sizes, scale: SCALE, ...over };
  }

  bar(tsUs: number, close: number, over: Partial<BarRecord> = {}): BarRecord {
    return {
      ...this.#stamp(tsUs),
      kind: 'bar',
      unit: 'time',
      interval: 60_000_000,
      open: close,
      high: close + 1,
      low: close - 1,
      close,
      volume: 5,
      trades: 3,
      adjusted: [],
      ...over,
    };
  }

  snapshot(
    tsUs: number,
    bids: readonly number[],
    asks: readonly number[],
    sequence: number | null = null,
  ): BookSnapshot {
    return {
      ...this.#stamp(tsUs),
      kind: 'book_snapshot',
      bids,
      asks,
      sequence,
      checksum: null,
      scale: SCALE,
    };
  }

  delta(
    tsUs: number,
    bids: readonly number[],
    asks: readonly number[],
    over: Partial<BookDelta> = {},
  ): BookDelta {
    return {
      ...this.#stamp(tsUs),
      kind: 'book_delta',
      bids,
      asks,
      firstSequence: null,
      previousSequence: null,
      checksum: null,
      scale: SCALE,
      ...over,
    };
  }

  #stamp(tsUs: number) {
    return {
      symbol: 'BTC-USD',
      source: this.id,
      tsEventUs: tsUs,
      tsReceiveUs: tsUs + 2000,
      sequence: null,
      flags: 0,
    };
  }

  async #instruments(): Promise<InstrumentRecord[]> {
    this.listed++;
    if (this.lists instanceof Error) throw this.lists;
    return (this.lists ?? []).map((symbol) => ({
      ...this.#stamp(0),
      kind: 'instrument',
      symbol,
      nativeSymbol: symbol.replace('-', ''),
      venue: this.id,
      assetClass: 'spot',
      base: null,
      quote: null,
      scale: SCALE,
      tickSize: null,
      lotSize: null,
      status: 'trading',
    }));
  }

  #open(sink: SourceSink): LiveSession {
    if (this.failure) throw this.failure;
    this.sink = sink;
    this.opened++;
    if (this.connects) sink.event({ event: 'connected' });
    return {
      want: (all) => {
        this.wanted = all;
      },
      resync: (symbol) => void this.resyncs.push(symbol),
      close: async () => {
        this.sink = undefined;
        this.wanted = [];
      },
    };
  }

  async *#history(
    fromUs: number,
    toUs: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MarketRecord[]> {
    if (this.historyError) throw this.historyError;
    for (const batch of this.history) {
      signal.throwIfAborted();
      const within = batch.filter((r) => r.tsEventUs >= fromUs && r.tsEventUs <= toUs);
      if (within.length > 0) yield within;
    }
  }
}
