// What a source of market data is to this engine: its capabilities, a live stream, history. Adapters know nothing of what follows.
import type { Clock } from '../../../src/core/clock.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Timers } from '../../../src/core/timers.ts';
import type { InstrumentRecord, MarketKind, MarketRecord } from '../../../src/market/records.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';

/** What a source offers. The groups that people ask for: bars, trades, quotes, book, reference, macro, fundamentals. */
export interface Capabilities {
  /** Kinds that its live stream has; empty without one. */
  readonly live: readonly MarketKind[];
  /** Kinds that can be asked for by a range of time. */
  readonly historical: readonly MarketKind[];
  /** Lengths of bars in microseconds that it has; any when absent. */
  readonly intervalsUs?: readonly number[];
  readonly key: 'none' | 'optional' | 'required';
  /** Environment variables of its credentials; each may be given as a file by `<NAME>_FILE`. */
  readonly credentials: readonly string[];
  readonly limits: {
    /** Requests per minute that its adapter keeps to; null without a stated limit. */
    readonly requestsPerMinute: number | null;
    /** Symbols of one connection; null without a limit. */
    readonly symbolsPerConnection: number | null;
  };
  /** How its adapter was verified: against messages recorded from the venue, or payloads made after its documentation. */
  readonly verified: 'recorded' | 'documentation';
}

/** What an adapter gets from the engine. */
export interface SourceContext {
  readonly clock: Clock;
  /** `systemTimers`, except in tests. */
  readonly timers: Timers;
  readonly log: Log;
  /** A credential by the name of its variable, from the environment or its file; undefined when not given. Never logged. */
  credential(name: string): string | undefined;
  /** Address instead of the provider's own: tests and proxies. Names are those of the adapter: `rest`, `stream`. */
  endpoint(name: string): string | undefined;
  /** Requests per minute that it may make, as its provider counts them, instead of its own limit; at least 2. Undefined: its own. */
  readonly requestsPerMinute?: number | undefined;
  /** Uniform in [0, 1), for the jitter of waits. */
  random(): number;
}

/** What a source tells of itself beside records. */
export type SourceEvent =
  /** All of its connections are there. */
  | { readonly event: 'connected' }
  /** One of them was lost; it comes back by itself after `retryMs`. All books of the source begin anew, whichever connection it was. */
  | { readonly event: 'disconnected'; readonly reason: string; readonly retryMs: number }
  /** A message that is not what the venue documents: counted, not fatal. */
  | { readonly event: 'garbage'; readonly reason: string }
  | { readonly event: 'rate_limited'; readonly waitMs: number }
  /** A subscription that the venue refused. */
  | { readonly event: 'refused'; readonly symbol: string; readonly kind: MarketKind; readonly reason: string }
  /** Alive, although without data: answer to a ping, heartbeat; `venueUs` when it says the time. */
  | { readonly event: 'heartbeat'; readonly venueUs: number | null };

/** Where an adapter puts what it hears; calls are synchronous and in the order of the messages. */
export interface SourceSink {
  records(batch: readonly MarketRecord[]): void;
  event(event: SourceEvent): void;
}

/** One thing to listen to. */
export interface Wanted {
  readonly symbol: string;
  readonly kind: MarketKind;
  /** Name at the venue, where the adapter's own rule does not give it. */
  readonly nativeSymbol?: string | undefined;
  /** Bars only. */
  readonly intervalUs?: number | undefined;
  /** Books only: levels of a side that are wished for. */
  readonly bookLevels?: number | undefined;
}

/** A live stream that goes on by itself, through losses of its connection, until it is closed. */
export interface LiveSession {
  /** Changes what is listened to: the whole list. */
  want(all: readonly Wanted[]): void;
  /** Asks for a new snapshot of a book whose sequence broke. */
  resync(symbol: string): void;
  close(): Promise<void>;
}

export interface HistoryRequest {
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly nativeSymbol?: string | undefined;
  /** First and last time, inclusive. */
  readonly fromUs: number;
  readonly toUs: number;
  /** Bars only. */
  readonly intervalUs?: number | undefined;
}

/** One source. */
export interface SourceAdapter {
  readonly id: string;
  readonly title: string;
  readonly capabilities: Capabilities;
  /** Name of a symbol at the venue: `BTC-USD` is `BTCUSD` at one, `XBT/USD` at another. */
  nativeSymbol(symbol: string): string;
  /**
   * Levels of a side that it asks its venue for where `wished` are: the least that the venue has and that holds them, else its most. Absent
   * where books come whole, or their depth is not for us to say.
   */
  bookLevels?(wished: number | undefined): number;
  /** When the instrument with a name of the venue trades, as far as the source tells of it; null, as without this, where that is not known. */
  calendar?(native: string): Calendar | null;
  /** Opens a live stream; absent without one. Throws InvalidOptionError when a credential is missing. */
  live?(sink: SourceSink): LiveSession;
  /** Reads history in batches, oldest first, keeping to the limits of the provider. Throws a NautilusError that says what the provider refused. */
  history?(request: HistoryRequest, signal: AbortSignal): AsyncIterable<readonly MarketRecord[]>;
  instruments?(signal: AbortSignal): Promise<readonly InstrumentRecord[]>;
}

/** Makes one source; SDKs load when it is first used, not here. */
export type SourceFactory = (context: SourceContext) => SourceAdapter;
