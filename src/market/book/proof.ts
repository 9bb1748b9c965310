// Which levels of a book are certain: those that a snapshot told, and all that a best quote of the venue says there is nothing beyond.
import type { LevelBook } from './level-book.ts';

/** Part of the levels of a snapshot that are left when the next one is wished for. */
const REFRESH_BELOW = 0.1;

/**
 * Two prices: every bid at or above the one and every ask at or below the other is known, for deltas tell all changes since. They start from
 * what a snapshot reached, or from nothing, and move outwards with every best quote that agrees.
 */
export class Proof {
  bid = Number.POSITIVE_INFINITY;
  ask = Number.NEGATIVE_INFINITY;
  /** Quotes that agreed since the last `reset`. */
  agreed = 0;
  #leastBids = 0;
  #leastAsks = 0;

  /** Nothing is known. */
  reset(): void {
    this.bid = Number.POSITIVE_INFINITY;
    this.ask = Number.NEGATIVE_INFINITY;
    this.agreed = 0;
    this.#leastBids = 0;
    this.#leastAsks = 0;
  }

  /** A side of a snapshot with `levels` or more may have been cut after its last; Infinity: none ever is. */
  snapshot({ bids, asks }: LevelBook, levels: number): void {
    const cutBids = bids.length >= levels;
    const cutAsks = asks.length >= levels;
    this.bid = cutBids ? bids.price(bids.length - 1) : Number.NEGATIVE_INFINITY;
    this.ask = cutAsks ? asks.price(asks.length - 1) : Number.POSITIVE_INFINITY;
    this.#leastBids = cutBids ? bids.length * REFRESH_BELOW : 0;
    this.#leastAsks = cutAsks ? asks.length * REFRESH_BELOW : 0;
  }

  /** A best quote says that nothing is between the best levels: all from there inwards are known. */
  agree({ bids, asks }: LevelBook): void {
    this.agreed++;
    if (bids.length > 0) this.bid = Math.min(this.bid, bids.price(0));
    if (asks.length > 0) this.ask = Math.max(this.ask, asks.price(0));
  }

  /** Whether the best levels of both sides are certain. */
  holds({ bids, asks }: LevelBook): boolean {
    return bids.price(0) >= this.bid && asks.price(0) <= this.ask;
  }

  /** Whether prices came near the end of what the snapshot told. */
  nearEnd({ bids, asks }: LevelBook): boolean {
    return bids.upTo(this.bid) < this.#leastBids || asks.upTo(this.ask) < this.#leastAsks;
  }
}
