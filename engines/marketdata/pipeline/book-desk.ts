// The order books of all sources: each record goes into its book; a broken one asks for a new snapshot, patiently.
import type { BookDelta, BookSnapshot, Levels, Quote } from '../../../src/market/records.ts';
import { numberOf, type Scale } from '../../../src/market/scale.ts';
import type { BookSaid } from './publisher.ts';
import { levelTexts } from './rows.ts';

export type BookState = BookSaid['state'];

/** One order book, as src/market/book keeps it. */
export interface Book {
  readonly state: BookState;
  readonly scale: Scale | null;
  readonly sequence: number | null;
  readonly counters: object;
  /** A snapshot is needed, or wished for while it is live. */
  readonly needsSnapshot: boolean;
  /** A best quote of the same venue proves a book that was rebuilt. */
  apply(record: BookDelta | BookSnapshot | Quote): BookOutcome;
  /** Looks whether it has been silent for too long. */
  check(nowUs: number): BookOutcome['change'];
  /** Takes everything away: its stream begins anew. */
  reset(nowUs: number): BookOutcome['change'];
  /** Best bid and ask, 0 where a side is empty; null unless live. */
  top(): { readonly bid: number; readonly ask: number } | null;
  /** Null unless live. */
  levels(depth: number): { readonly scale: Scale; readonly bids: Levels; readonly asks: Levels } | null;
  /** The whole of it as a record; null unless live. */
  snapshot(symbol: string, source: string): BookSnapshot | null;
}

export interface BookOutcome {
  /** Only what was applied changed the book. */
  readonly result: 'applied' | 'kept' | 'ignored' | 'refused';
  readonly flags: number;
  readonly change: { readonly from: BookState; readonly to: BookState; readonly reason: string } | null;
  /** A new snapshot is needed from now on. */
  readonly resync: boolean;
}

/** A book is in another state. */
export interface BookChange {
  readonly source: string;
  readonly symbol: string;
  readonly state: BookState;
  readonly previous: BookState;
  readonly reason: string | null;
}

/** What a record did. */
export interface BookStep {
  readonly change: BookChange | null;
  /** Flags that the book found. */
  readonly flags: number;
  /** Whether it changed a book that is live. */
  readonly applied: boolean;
  /** Whether the book is another one than the record alone makes of the one before: it begins here for whoever follows its changes. */
  readonly anew: boolean;
  /** Mid of the best prices; null unless live and told on both sides. */
  readonly mid: number | null;
  readonly state: BookState;
  /** The book as it is told when this is called. */
  said(): BookSaid;
}

export interface BookDeskOptions {
  readonly makeBook: (source: string, symbol: string, levels: number | undefined) => Book;
  /** Levels of a side that a source tells where `wished` are wished for (undefined: nobody said); undefined where it tells whole books whatever is wished. */
  readonly levelsOf?: (source: string, wished: number | undefined) => number | undefined;
  /** Asks a source for a new snapshot. */
  readonly resync: (source: string, symbol: string) => void;
  /** Levels of each side that are published. */
  readonly depth?: number;
}

interface Entry {
  readonly source: string;
  readonly symbol: string;
  book: Book;
  /** Those that it was made for. */
  levels: number | undefined;
  /** The book as it is told. */
  readonly say: () => BookSaid;
  reason: string | null;
  eventUs: number;
  receiveUs: number;
  /** Waits between two requests for a snapshot; doubled while they do not help. */
  waitUs: number;
  askedUs: number;
  needed: boolean;
  /** When the first record came for a book that waits for its first snapshot. */
  begunUs: number;
}

const DEPTH = 10;
const FIRST_WAIT_US = 1_000_000;
const LONGEST_WAIT_US = 60_000_000;
/** The snapshot that begins a stream comes by itself; one that has not come for so long is asked for. */
const OWN_SNAPSHOT_US = 30_000_000;

/** Keeps a book for each source and symbol that sends one. */
export class BookDesk {
  readonly #options: BookDeskOptions;
  readonly #depth: number;
  readonly #bySource = new Map<string, Map<string, Entry>>();
  /** Levels that are wished for, by symbol. */
  readonly #wished = new Map<string, number>();

  constructor(options: BookDeskOptions) {
    this.#options = options;
    this.#depth = options.depth ?? DEPTH;
  }

  /** Puts a record into its book. */
  take(record: BookDelta | BookSnapshot, nowUs: number): BookStep {
    const entry = this.#entryOf(record.source, record.symbol);
    const { book } = entry;
    const { result, change, flags, resync } = book.apply(record);
    // What the book had already, or refused and was none the worse for, says nothing of its time.
    if (result === 'applied' || result === 'kept' || change !== null) {
      entry.eventUs = record.tsEventUs;
      entry.receiveUs = record.tsReceiveUs;
    }
    const told = this.#changed(entry, change);
    if (!book.needsSnapshot) entry.needed = false;
    else if (resync) this.#need(entry, nowUs);
    else if (book.state === 'waiting' && !entry.needed) this.#waits(entry, nowUs);
    const applied = book.state === 'live' && result === 'applied';
    return {
      change: told,
      flags,
      applied,
      anew: applied && (record.kind === 'book_snapshot' || beginsAnew(told)),
      mid: applied ? midOf(book) : null,
      state: book.state,
      said: entry.say,
    };
  }

  /** Shows a best quote to the book of its source, where there is one. */
  quote(record: Quote, nowUs: number): BookChange | null {
    const entry = this.#bySource.get(record.source)?.get(record.symbol);
    if (!entry) return null;
    const { change, resync } = entry.book.apply(record);
    const told = this.#changed(entry, change);
    if (resync) this.#need(entry, nowUs);
    return told;
  }

  /** Looks at what time changes: books that went stale, snapshots that did not come. */
  check(nowUs: number): BookChange[] {
    const changes: BookChange[] = [];
    for (const entry of this.#all()) {
      const change = this.#changed(entry, entry.book.check(nowUs));
      if (change) changes.push(change);
      if (entry.needed && nowUs - entry.askedUs >= entry.waitUs) this.#ask(entry, nowUs);
    }
    return changes;
  }

  /** Begins the books of a source anew, since its stream was lost. */
  reset(source: string, why: string, nowUs: number): BookChange[] {
    return [...(this.#bySource.get(source)?.values() ?? [])].flatMap((entry) => {
      entry.needed = false;
      entry.begunUs = Number.NaN;
      return this.#changed(entry, entry.book.reset(nowUs), why) ?? [];
    });
  }

  /** Sets what is wanted of a symbol: books of other sources are dropped, and those that have another depth for it begin anew. */
  plan(symbol: string, sources: readonly string[], wished: number | undefined, nowUs: number): BookChange[] {
    if (wished === undefined) this.#wished.delete(symbol);
    else this.#wished.set(symbol, wished);
    const changes: BookChange[] = [];
    for (const [source, of] of this.#bySource) {
      const entry = of.get(symbol);
      if (!entry) continue;
      if (!sources.includes(source)) {
        of.delete(symbol);
        continue;
      }
      const levels = this.#levelsOf(source, symbol);
      if (levels === entry.levels) continue;
      const change = this.#changed(entry, entry.book.reset(nowUs), 'another depth');
      if (change) changes.push(change);
      entry.levels = levels;
      entry.book = this.#options.makeBook(source, symbol, levels);
      entry.begunUs = Number.NaN;
      this.#need(entry, nowUs);
    }
    return changes;
  }

  /** The book of a source as it is published; undefined where there is none. */
  said(source: string, symbol: string, depth = this.#depth): BookSaid | undefined {
    const entry = this.#bySource.get(source)?.get(symbol);
    return entry && this.#said(entry, depth);
  }

  /** The whole book of a source as a record; null unless it is live. */
  snapshot(source: string, symbol: string): BookSnapshot | null {
    return this.#bySource.get(source)?.get(symbol)?.book.snapshot(symbol, source) ?? null;
  }

  countsOf(source: string, symbol: string): Record<string, number> {
    return { ...this.#bySource.get(source)?.get(symbol)?.book.counters };
  }

  /** Sources that have a book of a symbol. */
  sourcesOf(symbol: string): string[] {
    return [...this.#all()].filter((e) => e.symbol === symbol).map((e) => e.source);
  }

  /** How many books are in each state. */
  states(): Record<BookState, number> {
    const states = { waiting: 0, live: 0, stale: 0, broken: 0 };
    for (const { book } of this.#all()) states[book.state]++;
    return states;
  }

  *#all(): Generator<Entry> {
    for (const of of this.#bySource.values()) yield* of.values();
  }

  #entryOf(source: string, symbol: string): Entry {
    let of = this.#bySource.get(source);
    if (!of) {
      of = new Map();
      this.#bySource.set(source, of);
    }
    let entry = of.get(symbol);
    if (!entry) {
      const levels = this.#levelsOf(source, symbol);
      const made: Entry = {
        say: () => this.#said(made),
        source,
        symbol,
        book: this.#options.makeBook(source, symbol, levels),
        levels,
        reason: 'no snapshot yet',
        eventUs: 0,
        receiveUs: 0,
        waitUs: FIRST_WAIT_US,
        askedUs: Number.NEGATIVE_INFINITY,
        needed: false,
        begunUs: Number.NaN,
      };
      entry = made;
      of.set(symbol, entry);
    }
    return entry;
  }

  #levelsOf(source: string, symbol: string): number | undefined {
    return this.#options.levelsOf?.(source, this.#wished.get(symbol));
  }

  #changed(entry: Entry, change: BookOutcome['change'], why?: string): BookChange | null {
    if (!change) return null;
    const { source, symbol } = entry;
    const { to, from, reason } = change;
    entry.reason = to === 'live' ? null : (why ?? reason);
    return { source, symbol, state: to, previous: from, reason: why ?? reason };
  }

  // Its venue sends changes and no snapshot, or refused the first request for one.
  #waits(entry: Entry, nowUs: number): void {
    if (Number.isNaN(entry.begunUs)) entry.begunUs = nowUs;
    else if (nowUs - entry.begunUs >= OWN_SNAPSHOT_US) this.#need(entry, nowUs);
  }

  #need(entry: Entry, nowUs: number): void {
    if (entry.needed) return;
    entry.needed = true;
    // A break long after the last request begins the waits anew; one soon after the snapshot that it brought does not.
    if (nowUs - entry.askedUs > LONGEST_WAIT_US) entry.waitUs = FIRST_WAIT_US;
    if (nowUs - entry.askedUs >= entry.waitUs) this.#ask(entry, nowUs);
  }

  // A snapshot that breaks at once again would else be asked for without end, against the limits of the venue.
  #ask(entry: Entry, nowUs: number): void {
    if (Number.isFinite(entry.askedUs)) entry.waitUs = Math.min(entry.waitUs * 2, LONGEST_WAIT_US);
    entry.askedUs = nowUs;
    this.#options.resync(entry.source, entry.symbol);
  }

  #said({ source, symbol, book, reason, eventUs, receiveUs }: Entry, depth = this.#depth): BookSaid {
    const { state, sequence } = book;
    const good = book.levels(depth);
    return {
      symbol,
      source,
      state,
      reason,
      ts_event_us: eventUs,
      ts_receive_us: receiveUs,
      sequence,
      bids: good ? levelTexts(good.bids, good.scale) : [],
      asks: good ? levelTexts(good.asks, good.scale) : [],
    };
  }
}

/** Whether a book has come to be live with changes that nobody was told of. One that was silent and went on in order has none. */
export function beginsAnew(change: BookChange | null): boolean {
  return change?.state === 'live' && change.reason !== 'resumed';
}

function midOf(book: Book): number | null {
  const { bid, ask } = book.top() ?? { bid: 0, ask: 0 };
  return bid === 0 || ask === 0 || book.scale === null ? null : numberOf(bid + ask, book.scale.price) / 2;
}
