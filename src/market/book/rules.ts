// How venues number the changes of their books: one rule for each, as data.
import type { BookDelta } from '../records.ts';
import { krakenChecksum } from './checksum.ts';
import type { BookSide } from './side.ts';

/** How a delta stands to a book: the next one, one that the book holds already, or one after others that are missing. */
export type Standing = 'next' | 'old' | 'gap';

/** What a venue's stream of a book promises. */
export interface BookRule {
  readonly id: string;
  /** Snapshots come by another way than deltas and may be older: deltas are kept until a snapshot fits. */
  readonly buffers: boolean;
  /** Deltas and snapshots have numbers; one without is malformed. */
  readonly numbered: boolean;
  /** A snapshot may end before the book does. */
  readonly partial: boolean;
  /**
   * Depths that a book can be subscribed in, where levels that fall below are not told any more; null where all are. Without a stated depth the
   * least that holds the snapshot is taken.
   */
  readonly depths: readonly number[] | null;
  /** Best quotes of the venue carry the number of the book's update that they belong to. */
  readonly numberedQuotes: boolean;
  /** Checksum after a delta, in the scale of the records; null without. */
  readonly checksum: ((bids: BookSide, asks: BookSide) => number) | null;
  /**
   * How `delta` stands to a book of number `sequence` (NaN: a book without number). `first`: nothing was applied since its snapshot, which
   * may have been taken in the middle of a delta.
   */
  stand(delta: BookDelta, sequence: number, first: boolean): Standing;
}

/** `U` to `u` of Binance spot: the next delta holds the number after the book's. What it tells again is as it says. */
const binanceSpot: BookRule = {
  id: 'binance-spot',
  buffers: true,
  numbered: true,
  partial: true,
  depths: null,
  numberedQuotes: true,
  checksum: null,
  stand(delta, sequence) {
    const last = delta.sequence!;
    if (last <= sequence) return 'old';
    return (delta.firstSequence ?? last) <= sequence + 1 ? 'next' : 'gap';
  },
};

/** `U`, `u`, `pu` of Binance futures: the first delta holds the number of the snapshot, then each names the one before. */
const binanceFutures: BookRule = {
  id: 'binance-futures',
  buffers: true,
  numbered: true,
  partial: true,
  depths: null,
  numberedQuotes: true,
  checksum: null,
  stand(delta, sequence, first) {
    const last = delta.sequence!;
    if (delta.previousSequence === sequence && last > sequence) return 'next';
    if (first && last >= sequence && (delta.firstSequence ?? last) <= sequence) return 'next';
    return last <= sequence ? 'old' : 'gap';
  },
};

/** Kraken WebSocket v2: no numbers, a checksum after each message; snapshot and deltas come by one stream. */
const kraken: BookRule = {
  id: 'kraken',
  buffers: false,
  numbered: false,
  partial: false,
  depths: [10, 25, 100, 500, 1000],
  numberedQuotes: false,
  checksum: krakenChecksum,
  stand: () => 'next',
};

/**
 * Coinbase: `sequence_num` counts the messages of a connection, whatever they are of. {@link ConnectionSequence} makes of it which message of
 * the book came before (`previousSequence`); without that only the order can be checked.
 */
const coinbase: BookRule = {
  id: 'coinbase',
  buffers: false,
  numbered: true,
  partial: false,
  depths: null,
  numberedQuotes: false,
  checksum: null,
  stand(delta, sequence) {
    if (delta.sequence! <= sequence) return 'old';
    return delta.previousSequence === null || delta.previousSequence === sequence ? 'next' : 'gap';
  },
};

/** No numbers and no checksum: every delta is taken as the next one. */
const plain: BookRule = {
  id: 'plain',
  buffers: false,
  numbered: false,
  partial: false,
  depths: null,
  numberedQuotes: false,
  checksum: null,
  stand: () => 'next',
};

/** Rules by id. */
export const BOOK_RULES = Object.freeze({
  'binance-spot': binanceSpot,
  'binance-futures': binanceFutures,
  kraken,
  coinbase,
  plain,
});

const BY_SOURCE: Readonly<Record<string, BookRule>> = {
  binance: binanceSpot,
  'binance-usdm': binanceFutures,
  kraken,
  coinbase,
};

/** Returns the rule for the books of a source by its id, `plain` for one that has none of its own. */
export function bookRuleOf(source: string): BookRule {
  return BY_SOURCE[source] ?? plain;
}

/**
 * Follows a number that counts all messages of a connection, and says for the messages of one book which came before them, so that one that
 * is missing shows in the books alone that it could belong to: all of the connection.
 */
export class ConnectionSequence {
  #last = Number.NaN;
  // Number of the message just taken, which is not the last when it came twice.
  #now = Number.NaN;
  #broken = false;
  readonly #books = new Map<string, number>();
  /** Takes the number of the next message. Returns how many messages are missing before it, negative when it is no newer than the last. */
  take(sequence: number): number {
    const missing = Number.isNaN(this.#last) ? 0 : sequence - this.#last - 1;
    this.#now = sequence;
    if (missing >= 0) this.#last = sequence;
    if (missing > 0) this.lose();
    return missing;
  }

  /** Takes note that a message is lost that may be of any book: what comes next of each of them does not follow what came before. */
  lose(): void {
    this.#books.clear();
    this.#broken = true;
  }

  /**
   * Returns the number of the message of `symbol` before the one just taken, for `previousSequence`: a number that no book has when messages
   * are missing in between.
   */
  previous(symbol: string): number | null {
    const before = this.#books.get(symbol);
    if (before === undefined || this.#now > before) this.#books.set(symbol, this.#now);
    return before ?? (this.#broken ? this.#last - 1 : null);
  }
}
