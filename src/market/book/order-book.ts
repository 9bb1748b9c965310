// The order book of one source and symbol, from snapshots and deltas by the venue's own rule. Pure: no timers, no input or output.
import type { BookDelta, BookSnapshot, Quote } from '../records.ts';
import type { Scale } from '../scale.ts';
import { LevelBook, wholeLevels } from './level-book.ts';
import { PendingDeltas } from './pending.ts';
import { Proof } from './proof.ts';
import { NumberedQuotes } from './quotes.ts';
import type { BookRule } from './rules.ts';
import type {
  BookChange,
  BookCounters,
  BookOptions,
  BookOutcome,
  BookReason,
  BookState,
  BookTop,
  BookView,
} from './state.ts';
import { BookStatus } from './status.ts';

type Result = BookOutcome['result'];

const MAX_QUOTES = 256;

/**
 * One order book. Give it every snapshot, delta and (where they carry the number of the update) best quote in the order of their arrival;
 * `apply` tells what happened, {@link top} and {@link levels} answer while it is live and are null otherwise.
 */
export class OrderBook {
  readonly rule: BookRule;
  readonly #staleUs: number;
  readonly #depth: number | null;
  readonly #snapshotLevels: number;
  readonly #reorder: number;
  readonly #confirmations: number;
  readonly #status = new BookStatus();
  readonly #book = new LevelBook();
  readonly #proof = new Proof();
  // For a snapshot that is to come.
  readonly #pending: PendingDeltas;
  // After one that is missing but may still come.
  readonly #ahead: PendingDeltas;
  readonly #quotes = new NumberedQuotes(MAX_QUOTES);
  // What the levels are: none, complete by a snapshot, or rebuilt from deltas alone.
  #basis: 'none' | 'snapshot' | 'deltas' = 'none';
  // Number of the last update in the book, and where its chain began.
  #sequence = Number.NaN;
  #origin = Number.NaN;
  #first = false;
  // Levels of a side that the venue tells of.
  #keeps = Number.POSITIVE_INFINITY;
  #needsSnapshot = true;
  #lastUs = 0;
  #eventUs = 0;

  constructor(options: BookOptions) {
    this.rule = options.rule;
    this.#staleUs = options.staleUs ?? 30_000_000;
    this.#depth = this.rule.depths === null ? null : (options.levels ?? null);
    this.#snapshotLevels = this.rule.partial ? (options.levels ?? 1) : Number.POSITIVE_INFINITY;
    this.#reorder = options.reorder ?? 0;
    this.#confirmations = options.confirmations ?? 3;
    this.#pending = new PendingDeltas(options.bufferLimit ?? 1000);
    this.#ahead = new PendingDeltas(this.#reorder + 1);
  }

  get state(): BookState {
    return this.#status.state;
  }

  /** Why it is in its state. */
  get reason(): BookReason {
    return this.#status.reason;
  }

  get counters(): Readonly<BookCounters> {
    return this.#status.counters;
  }

  /** Number of the last update in it; null when it has none. */
  get sequence(): number | null {
    return Number.isNaN(this.#sequence) ? null : this.#sequence;
  }

  /** Whether a snapshot is needed, or wished for because prices came near the end of the last one. */
  get needsSnapshot(): boolean {
    return this.#needsSnapshot;
  }

  /** Receive time of the last word that it holds. */
  get lastUs(): number {
    return this.#lastUs;
  }

  get scale(): Scale | null {
    return this.#book.scale;
  }

  /** Takes one record and says what became of it. */
  apply(record: BookSnapshot | BookDelta | Quote): BookOutcome {
    const status = this.#status;
    status.begin();
    const dropped = this.#pending.dropped;
    let result: Result;
    if (record.kind === 'book_delta') result = this.#delta(record);
    else if (record.kind === 'quote') result = this.#quote(record);
    else result = this.#snapshot(record);
    // A live book that wishes for a snapshot loses nothing by it.
    if (status.state !== 'live') status.counters.overflow += this.#pending.dropped - dropped;
    status.counters.unmatched = this.#quotes.dropped;
    return status.outcome(result);
  }

  /** Makes a live book stale when nothing was heard for too long; `nowUs` is on the clock of receive times. Returns the change, if any. */
  check(nowUs: number): BookChange | null {
    this.#status.begin();
    this.#listen(nowUs);
    return this.#status.change();
  }

  /** Forgets everything: after the connection was lost. */
  reset(tsUs: number): BookChange | null {
    this.#status.begin();
    this.#forget();
    this.#pending.clear();
    this.#quotes.clear();
    this.#needsSnapshot = true;
    this.#status.set('waiting', 'reset', tsUs);
    return this.#status.change();
  }

  /** Returns best bid and ask, or null unless live. */
  top(): BookTop | null {
    return this.state === 'live' ? this.#book.top() : null;
  }

  /** Returns the best `n` levels of each side, or null unless live. Rebuilt books answer with proven levels only. */
  levels(n: number): BookView | null {
    if (this.state !== 'live') return null;
    const view = this.peek(n);
    if (view === null || this.#basis === 'snapshot') return view;
    const bids = view.bids.slice(0, 2 * view.provenBids);
    return { ...view, bids, asks: view.asks.slice(0, 2 * view.provenAsks) };
  }

  /** Returns the best `n` levels whatever the state, for people who look for a fault; null before the first record. */
  peek(n: number): BookView | null {
    const { scale, bids, asks } = this.#book;
    if (scale === null) return null;
    return {
      scale,
      bids: bids.best(n),
      asks: asks.best(n),
      provenBids: Math.min(n, bids.upTo(this.#proof.bid)),
      provenAsks: Math.min(n, asks.upTo(this.#proof.ask)),
    };
  }

  /** Returns the best `n` levels as a record, or null unless live. */
  snapshot(symbol: string, source: string, n = Number.POSITIVE_INFINITY): BookSnapshot | null {
    const view = this.levels(n);
    if (view === null) return null;
    const { scale, bids, asks } = view;
    return {
      kind: 'book_snapshot',
      symbol,
      source,
      tsEventUs: this.#eventUs,
      tsReceiveUs: this.#lastUs,
      sequence: this.sequence,
      flags: 0,
      scale,
      bids,
      asks,
      checksum: null,
    };
  }

  #quote(quote: Quote): Result {
    if (!this.rule.numberedQuotes || quote.sequence === null) return 'ignored';
    this.#listen(quote.tsReceiveUs);
    if (quote.sequence < this.#sequence) return 'ignored';
    if (quote.sequence !== this.#sequence) {
      this.#quotes.add(quote);
      return 'kept';
    }
    // The same number: there was nothing to be told since.
    if (this.#match(quote) && this.state === 'stale') this.#resume(quote.tsReceiveUs);
    return 'applied';
  }

  #delta(delta: BookDelta): Result {
    if (this.rule.numbered && delta.sequence === null) {
      this.#status.flag('malformed');
      this.#break('malformed', delta.tsReceiveUs);
      return 'refused';
    }
    if (this.#basis === 'none') return this.#begin(delta);
    if (this.#ahead.length > 0) return this.#heal(delta);
    const standing = this.rule.stand(delta, this.#sequence, this.#first);
    if (standing === 'next') return this.#take(delta);
    if (standing === 'old') return this.#old(delta);
    if (this.#basis === 'snapshot' && this.#reorder > 0) {
      this.#ahead.add(delta);
      this.#status.counters.kept++;
      this.#status.set('broken', 'ahead', delta.tsReceiveUs);
      return 'kept';
    }
    return this.#lose([delta]);
  }

  // A delta without a book: kept for the snapshot, and the first of a book that quotes may prove right before that comes.
  #begin(delta: BookDelta): Result {
    if (!this.rule.buffers) {
      // What comes by the stream of the snapshot is in the snapshot that follows.
      this.#status.counters.covered++;
      return 'ignored';
    }
    this.#basis = 'deltas';
    this.#origin = delta.sequence!;
    return this.#take(delta);
  }

  #old(delta: BookDelta): Result {
    // Numbers after the origin were all seen, for the chain since has no hole. Those before are in the snapshot, or came late.
    if (delta.sequence! > this.#origin) this.#status.flag('duplicate');
    else if (this.#basis === 'snapshot') this.#status.counters.covered++;
    else if (this.#pending.add(delta) === 'duplicate') this.#status.flag('duplicate');
    else {
      this.#status.flag('out_of_order');
      this.#status.counters.kept++;
      return 'kept';
    }
    return 'ignored';
  }

  // The next delta: into the book, with everything that can be checked after it.
  #take(delta: BookDelta): Result {
    const { bids, asks } = this.#book;
    const { counters } = this.#status;
    if (this.#needsSnapshot && this.rule.buffers) this.#pending.add(delta);
    this.#first = false;
    this.#eventUs = delta.tsEventUs;
    this.#touch(delta.tsReceiveUs);
    if (delta.sequence !== null) this.#sequence = delta.sequence;
    if (!this.#book.change(delta)) {
      this.#status.flag('malformed');
      this.#break('malformed', delta.tsReceiveUs);
      return 'refused';
    }
    bids.truncate(this.#keeps);
    asks.truncate(this.#keeps);
    if (!this.#sound(delta)) return 'refused';
    if (this.state === 'stale') this.#resume(delta.tsReceiveUs);
    const applied = this.#basis === 'snapshot' || this.state === 'live';
    if (applied) counters.deltas++;
    else counters.kept++;
    return applied ? 'applied' : 'kept';
  }

  // Whether what a record left is right, as far as can be told; otherwise it is broken.
  #sound(record: BookDelta | BookSnapshot): boolean {
    const { rule } = this;
    const { bids, asks } = this.#book;
    if (rule.checksum !== null && record.checksum !== null && rule.checksum(bids, asks) !== record.checksum) {
      this.#status.counters.checksum++;
      this.#break('checksum', record.tsReceiveUs);
      return false;
    }
    const spread = this.#book.spread();
    if (spread < 0) {
      this.#status.flag('crossed');
      this.#break('crossed', record.tsReceiveUs);
      return false;
    }
    if (spread === 0) this.#status.flag('locked');
    const quote = rule.numberedQuotes ? this.#quotes.at(this.#sequence) : null;
    if (quote !== null && !this.#match(quote)) return false;
    this.#judge(record.tsReceiveUs);
    return true;
  }

  // Compares with the venue's own best quote of the same update; false when the book was wrong.
  #match(quote: Quote): boolean {
    if (this.#basis === 'none' || this.#ahead.length > 0) return true;
    const agreement = this.#book.compare(quote);
    if (agreement === 'equal') {
      this.#status.counters.agreed++;
      this.#proof.agree(this.#book);
      this.#judge(quote.tsReceiveUs);
      return true;
    }
    // A rebuilt book may lack levels that were not told again yet, but those that it has are exact.
    if (agreement === 'lacking' && this.#basis === 'deltas' && !this.#proof.holds(this.#book)) return true;
    this.#status.counters.diverged++;
    this.#break('diverged', quote.tsReceiveUs);
    return false;
  }

  // A rebuilt book is live while its best levels are proven; one from a snapshot asks for the next before it leaves what that told.
  #judge(tsUs: number): void {
    const status = this.#status;
    if (this.#basis === 'deltas') {
      const safe = this.state === 'live' || this.state === 'stale';
      const proven = this.#proof.holds(this.#book) && this.#proof.agreed >= this.#confirmations;
      if (safe && !proven) status.set('broken', 'unproven', tsUs);
      else if (!safe && proven) status.set('live', 'confirmed', tsUs);
    } else if (!this.#needsSnapshot && this.#proof.nearEnd(this.#book)) {
      status.counters.refreshes++;
      status.resync = true;
      this.#needsSnapshot = true;
    }
  }

  // A delta while one before others is missing: it may be that one.
  #heal(delta: BookDelta): Result {
    const place = this.#ahead.add(delta);
    if (place === 'duplicate') {
      this.#status.flag('duplicate');
      return 'ignored';
    }
    if (place === 'late') this.#status.flag('out_of_order');
    this.#status.counters.kept++;
    const waiting = this.#ahead.all().slice();
    for (const [at, next] of waiting.entries()) {
      const standing = this.rule.stand(next, this.#sequence, this.#first);
      if (standing === 'old') this.#old(next);
      else if (standing === 'gap') {
        this.#ahead.drop(at);
        return this.#ahead.length > this.#reorder ? this.#lose(waiting.slice(at)) : 'kept';
      } else if (this.#take(next) === 'refused') return 'refused';
    }
    this.#ahead.clear();
    this.#status.set('live', 'reordered', delta.tsReceiveUs);
    return 'applied';
  }

  // What is missing does not come: the book goes on from what follows, unproven.
  #lose(deltas: readonly BookDelta[]): Result {
    if (this.state === 'waiting') this.#forget();
    else {
      this.#status.flag('gap');
      this.#break('gap', deltas.at(-1)!.tsReceiveUs);
    }
    let result: Result = 'ignored';
    for (const delta of deltas) result = this.#delta(delta);
    return result;
  }

  // Nothing that is there can be trusted any more.
  #break(reason: BookReason, tsUs: number): void {
    const status = this.#status;
    const known = this.state === 'broken' && this.reason !== 'ahead' && this.reason !== 'unproven';
    if (!known) {
      status.counters.resyncs++;
      status.resync = true;
    }
    this.#needsSnapshot = true;
    this.#forget();
    status.set('broken', reason, tsUs);
  }

  #forget(): void {
    this.#book.clear();
    this.#ahead.clear();
    this.#proof.reset();
    this.#basis = 'none';
    this.#sequence = Number.NaN;
    this.#origin = Number.NaN;
  }

  #snapshot(snapshot: BookSnapshot): Result {
    const status = this.#status;
    const whole = wholeLevels(snapshot.bids) && wholeLevels(snapshot.asks);
    const from = whole ? this.#fits(snapshot) : -1;
    if (from < 0) {
      status.counters.refused_snapshots++;
      if (!whole) status.flag('malformed');
      status.resync = this.#needsSnapshot;
      return 'refused';
    }
    const followers = this.#pending.all().slice(from);
    status.counters.covered += from;
    this.#pending.clear();
    this.#forget();
    this.#book.load(snapshot);
    this.#basis = 'snapshot';
    this.#sequence = snapshot.sequence ?? Number.NaN;
    this.#origin = this.#sequence;
    this.#first = true;
    this.#needsSnapshot = false;
    this.#eventUs = snapshot.tsEventUs;
    this.#touch(snapshot.tsReceiveUs);
    status.counters.snapshots++;
    this.#keeps = this.#depth ?? this.#depthOf(snapshot);
    this.#proof.snapshot(this.#book, this.#snapshotLevels);
    status.set('live', 'snapshot', snapshot.tsReceiveUs);
    if (!this.#sound(snapshot)) return 'refused';
    for (const delta of followers) this.#delta(delta);
    return 'applied';
  }

  #depthOf({ bids, asks }: BookSnapshot): number {
    const levels = Math.max(bids.length, asks.length) / 2;
    return this.rule.depths?.find((depth) => depth >= levels) ?? Number.POSITIVE_INFINITY;
  }

  // How many of the kept deltas a snapshot holds, or -1 when it is too old or has no number.
  #fits(snapshot: BookSnapshot): number {
    const { rule } = this;
    if (!rule.numbered) return 0;
    const number = snapshot.sequence;
    if (number === null) return -1;
    const kept = this.#pending.all();
    for (const [at, delta] of kept.entries()) {
      const standing = rule.stand(delta, number, true);
      if (standing !== 'old') return standing === 'next' ? at : -1;
    }
    return number < this.#sequence ? -1 : kept.length;
  }

  #touch(tsUs: number): void {
    this.#lastUs = Math.max(this.#lastUs, tsUs);
  }

  #listen(nowUs: number): void {
    if (this.state !== 'live' || nowUs - this.#lastUs <= this.#staleUs) return;
    this.#status.counters.silent++;
    this.#status.set('stale', 'silent', nowUs);
  }

  #resume(tsUs: number): void {
    this.#touch(tsUs);
    this.#status.set('live', 'resumed', tsUs);
  }
}
