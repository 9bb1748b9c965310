// One source as the pipeline sees it: its settings, its stream, its health, what came of it.
import type { Clock } from '../../../src/core/clock.ts';
import { NautilusError } from '../../../src/core/errors.ts';
import type { MarketRecord } from '../../../src/market/records.ts';
import type { Calendar } from '../../../src/market/sessions/calendar.ts';
import type { LiveSession, SourceAdapter, SourceEvent, Wanted } from '../sources/port.ts';

export type Health =
  | 'disabled'
  /** Nothing is wanted of it. */
  | 'idle'
  | 'connecting'
  | 'connected'
  /** Its connection lives, but says nothing. */
  | 'silent'
  | 'disconnected'
  /** Its stream could not be begun. */
  | 'failed';

export interface SourceCounts {
  records: number;
  garbage: number;
  disconnects: number;
  rate_limited: number;
  refused: number;
  resyncs: number;
}

/** What a source tells the pipeline. */
export interface SourceListener {
  records(source: string, batch: readonly MarketRecord[]): void;
  health(source: Source, previous: Health): void;
  refused(source: string, event: Extract<SourceEvent, { event: 'refused' }>): void;
  garbage(source: string, reason: string): void;
}

export interface SourceOptions {
  readonly id: string;
  readonly adapter: SourceAdapter;
  readonly clock: Clock;
  readonly listener: SourceListener;
  /** Whether it may run, and how long it may be silent. */
  readonly enabled: boolean;
  readonly silentAfterUs: number;
}

const RETRY_US = 30_000_000;

/** Opens the stream of its adapter when something is wanted of it, and watches over it. */
export class Source {
  readonly id: string;
  readonly adapter: SourceAdapter;
  readonly counts: SourceCounts = {
    records: 0,
    garbage: 0,
    disconnects: 0,
    rate_limited: 0,
    refused: 0,
    resyncs: 0,
  };
  readonly #clock: Clock;
  readonly #listener: SourceListener;
  #enabled: boolean;
  #silentAfterUs: number;
  #health: Health;
  #reason: string | null = null;
  #sinceUs: number;
  #heardUs: number;
  #recordUs: number | null = null;
  #wanted: readonly Wanted[] = [];
  /** Those of everything that is wanted, made at the first silence. */
  #calendars: ReadonlySet<Calendar | null> | undefined;
  #session: LiveSession | undefined;
  #closing: Promise<void> = Promise.resolve();
  #lastGarbage: string | null = null;
  // Names the stream that may speak.
  #token: object | undefined;

  constructor({ id, adapter, clock, listener, enabled, silentAfterUs }: SourceOptions) {
    this.id = id;
    this.adapter = adapter;
    this.#clock = clock;
    this.#listener = listener;
    this.#enabled = enabled;
    this.#silentAfterUs = silentAfterUs;
    this.#sinceUs = this.#heardUs = clock.nowUs();
    this.#health = enabled ? 'idle' : 'disabled';
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  get health(): Health {
    return this.#health;
  }

  get reason(): string | null {
    return this.#reason;
  }

  get sinceUs(): number {
    return this.#sinceUs;
  }

  /** When a record came last; null before the first. */
  get lastRecordUs(): number | null {
    return this.#recordUs;
  }

  get lastGarbage(): string | null {
    return this.#lastGarbage;
  }

  get wanted(): readonly Wanted[] {
    return this.#wanted;
  }

  /** Why nothing can be had of it now; null when it is well. */
  get trouble(): string | null {
    switch (this.#health) {
      case 'connected':
      case 'idle':
        return null;
      case 'connecting':
        return 'not connected yet';
      default:
        return this.#health;
    }
  }

  /** When an instrument trades, by its name at the venue; null where that is not known. */
  calendarOf({ symbol, nativeSymbol }: Pick<Wanted, 'symbol' | 'nativeSymbol'>): Calendar | null {
    return this.adapter.calendar?.(nativeSymbol ?? this.adapter.nativeSymbol(symbol)) ?? null;
  }

  /** Sets everything that is wanted of it; nothing closes its stream. */
  want(all: readonly Wanted[]): void {
    this.#wanted = all;
    this.#calendars = undefined;
    if (!this.#enabled) return;
    if (all.length === 0) this.#close('idle');
    else this.#open();
  }

  /** Changes whether it may run and how long it may be silent. */
  set(enabled: boolean, silentAfterUs: number): void {
    this.#silentAfterUs = silentAfterUs;
    if (enabled === this.#enabled) return;
    this.#enabled = enabled;
    if (enabled) {
      this.#become('idle', null);
      this.want(this.#wanted);
    } else this.#close('disabled');
  }

  /** Asks for a new snapshot of a book. */
  resync(symbol: string): void {
    this.counts.resyncs++;
    this.#session?.resync(symbol);
  }

  /** Looks whether it went silent. */
  check(nowUs: number): void {
    if (this.#health === 'connected' && this.#silentUs(nowUs) > this.#silentAfterUs)
      this.#become('silent', `nothing for ${Math.round(this.#silentAfterUs / 1e6)} s`);
    // What could not begin, for want of a credential, may have got it.
    if (this.#health === 'failed' && nowUs - this.#sinceUs > RETRY_US) this.#open();
  }

  async stop(): Promise<void> {
    this.#wanted = [];
    this.#close(this.#enabled ? 'idle' : 'disabled');
    await this.#closing;
  }

  #open(): void {
    if (this.#session) {
      this.#session.want(this.#wanted);
      return;
    }
    if (!this.adapter.live) {
      this.#become('failed', 'it has no live stream');
      return;
    }
    this.#become('connecting', null);
    // A stream that was closed may have something left to say; nobody listens to it.
    const token = {};
    this.#token = token;
    const current = () => this.#token === token;
    try {
      this.#session = this.adapter.live({
        records: (batch) => {
          if (current()) this.#records(batch);
        },
        event: (event) => {
          if (current()) this.#event(event);
        },
      });
      this.#session.want(this.#wanted);
    } catch (error) {
      this.#token = undefined;
      const session = this.#session;
      this.#session = undefined;
      if (session) this.#closing = session.close();
      if (!(error instanceof NautilusError)) throw error;
      this.#become('failed', error.message);
    }
  }

  #close(health: Health): void {
    this.#token = undefined;
    const session = this.#session;
    this.#session = undefined;
    if (session) this.#closing = Promise.all([this.#closing, session.close()]).then(() => {});
    this.#become(health, null);
  }

  #records(batch: readonly MarketRecord[]): void {
    this.#heard();
    this.#recordUs = this.#heardUs;
    this.counts.records += batch.length;
    this.#listener.records(this.id, batch);
  }

  // Nothing is to be heard while all that is wanted is closed.
  #silentUs(nowUs: number): number {
    const silent = nowUs - this.#heardUs;
    if (silent <= this.#silentAfterUs) return silent;
    this.#calendars ??= new Set(this.#wanted.map((wanted) => this.calendarOf(wanted)));
    let open = 0;
    for (const calendar of this.#calendars)
      open = Math.max(open, calendar?.openBetween(this.#heardUs, nowUs) ?? silent);
    return open;
  }

  #heard(): void {
    this.#heardUs = this.#clock.nowUs();
    // What speaks is connected; but one that lost a connection may have another, which says nothing of the one that it lost.
    if (this.#health !== 'connected' && this.#health !== 'disconnected') this.#become('connected', null);
  }

  #event(event: SourceEvent): void {
    switch (event.event) {
      case 'connected':
        this.#become('connected', null);
        this.#heard();
        break;
      case 'heartbeat':
        this.#heard();
        break;
      case 'disconnected':
        this.counts.disconnects++;
        this.#become('disconnected', event.reason);
        break;
      case 'garbage':
        this.counts.garbage++;
        this.#lastGarbage = event.reason;
        this.#listener.garbage(this.id, event.reason);
        break;
      case 'rate_limited':
        this.counts.rate_limited++;
        break;
      case 'refused':
        this.counts.refused++;
        this.#listener.refused(this.id, event);
        break;
    }
  }

  #become(health: Health, reason: string | null): void {
    const previous = this.#health;
    this.#reason = reason;
    if (previous === health) return;
    this.#health = health;
    this.#sinceUs = this.#clock.nowUs();
    if (health === 'connected') this.#heardUs = this.#sinceUs;
    this.#listener.health(this, previous);
  }
}
