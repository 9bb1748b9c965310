// Both sides of an order book in one scale: loading, changing, comparing; no sequence, no state.
import type { BookDelta, BookSnapshot, Levels, Quote } from '../records.ts';
import type { Scale } from '../scale.ts';
import { BookSide } from './side.ts';
import type { BookTop } from './state.ts';

/** How a best quote stands to the best levels of a book of the same moment. */
export type Agreement =
  /** Same prices and sizes. */
  | 'equal'
  /** The quote is better: the book lacks levels. */
  | 'lacking'
  /** The book has a better level, or another size: one of its levels is wrong. */
  | 'contrary';

/** Bids and asks as integers of a scale that grows with what comes. */
export class LevelBook {
  readonly bids = new BookSide('bid');
  readonly asks = new BookSide('ask');
  scale: Scale | null = null;

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }

  /** Replaces all levels by those of a snapshot, which {@link wholeLevels} accepts. */
  load(snapshot: BookSnapshot): void {
    this.clear();
    this.scale = snapshot.scale;
    // From the worst level, so that each is set at the end.
    for (let i = snapshot.bids.length - 2; i >= 0; i -= 2)
      this.bids.set(snapshot.bids[i]!, snapshot.bids[i + 1]!);
    for (let i = snapshot.asks.length - 2; i >= 0; i -= 2)
      this.asks.set(snapshot.asks[i]!, snapshot.asks[i + 1]!);
  }

  /** Takes the changes of a delta. Returns false when a number is not whole, negative as a size, or too large for the common scale: then the book is not usable. */
  change(delta: BookDelta): boolean {
    const scale = delta.scale;
    if (this.scale === null) this.scale = scale;
    let price = 1;
    let size = 1;
    if (scale !== this.scale && !sameScale(scale, this.scale)) {
      if (!this.#widen(scale)) return false;
      price = 10 ** (this.scale.price - scale.price);
      size = 10 ** (this.scale.size - scale.size);
    }
    return changed(this.bids, delta.bids, price, size) && changed(this.asks, delta.asks, price, size);
  }

  top(): BookTop {
    const { bids, asks } = this;
    const some = bids.length > 0;
    const other = asks.length > 0;
    return {
      bid: some ? bids.price(0) : 0,
      bidSize: some ? bids.size(0) : 0,
      ask: other ? asks.price(0) : 0,
      askSize: other ? asks.size(0) : 0,
    };
  }

  /** Best ask minus best bid: negative when crossed, 0 when locked, NaN without both. */
  spread(): number {
    return this.asks.price(0) - this.bids.price(0);
  }

  /** Compares the best levels with a quote of the same update. */
  compare(quote: Quote): Agreement {
    const scale = this.scale ?? quote.scale;
    const price = Math.max(scale.price, quote.scale.price);
    const size = Math.max(scale.size, quote.scale.size);
    const [ourPrice, ourSize] = [10 ** (price - scale.price), 10 ** (size - scale.size)];
    const [itsPrice, itsSize] = [10 ** (price - quote.scale.price), 10 ** (size - quote.scale.size)];
    const bid = side(this.bids, ourPrice, ourSize, quote.bid * itsPrice, quote.bidSize * itsSize, 1);
    const ask = side(this.asks, ourPrice, ourSize, quote.ask * itsPrice, quote.askSize * itsSize, -1);
    if (bid === 'contrary' || ask === 'contrary') return 'contrary';
    return bid === 'equal' && ask === 'equal' ? 'equal' : 'lacking';
  }

  #widen(scale: Scale): boolean {
    const old = this.scale!;
    const next = { price: Math.max(old.price, scale.price), size: Math.max(old.size, scale.size) };
    if (sameScale(next, old)) return true;
    const price = 10 ** (next.price - old.price);
    const size = 10 ** (next.size - old.size);
    // What does not fit leaves the scale as it was: the book is not usable, but those that follow may be of the old one.
    if (!this.bids.rescale(price, size) || !this.asks.rescale(price, size)) return false;
    this.scale = next;
    return true;
  }
}

function sameScale(a: Scale, b: Scale): boolean {
  return a.price === b.price && a.size === b.size;
}

/** Returns whether prices and sizes are whole numbers in pairs, and sizes above 0. */
export function wholeLevels(levels: Levels): boolean {
  if (levels.length % 2 !== 0) return false;
  for (let i = 0; i < levels.length; i += 2) {
    const size = levels[i + 1]!;
    if (!Number.isSafeInteger(levels[i]) || !Number.isSafeInteger(size) || size <= 0) return false;
  }
  return true;
}

function changed(target: BookSide, levels: Levels, priceFactor: number, sizeFactor: number): boolean {
  const same = priceFactor === 1 && sizeFactor === 1;
  const scaled = same ? levels : levels.map((n, i) => n * (i % 2 === 0 ? priceFactor : sizeFactor));
  for (let i = 0; i < scaled.length; i += 2) {
    const size = scaled[i + 1]!;
    if (!Number.isSafeInteger(scaled[i]) || !Number.isSafeInteger(size) || size < 0) return false;
  }
  target.setAll(scaled);
  return true;
}

function side(
  levels: BookSide,
  priceFactor: number,
  sizeFactor: number,
  price: number,
  size: number,
  better: 1 | -1,
): Agreement {
  if (levels.length === 0) return size === 0 ? 'equal' : 'lacking';
  if (size === 0) return 'contrary';
  const ours = levels.price(0) * priceFactor;
  if (ours === price) return levels.size(0) * sizeFactor === size ? 'equal' : 'contrary';
  return (ours - price) * better > 0 ? 'contrary' : 'lacking';
}
