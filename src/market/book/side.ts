// One side of an order book: its levels in two sorted typed arrays, the best one last.
import type { Levels } from '../records.ts';

/**
 * The levels of one side as integer ticks. Keys ascend towards the best level (the price of bids, minus the price of asks), so that the
 * levels that change most are at the end and a change moves few others; a search gallops from there.
 */
export class BookSide {
  readonly #sign: 1 | -1;
  #keys = new Float64Array(64);
  #sizes = new Float64Array(64);
  #length = 0;

  constructor(side: 'bid' | 'ask') {
    this.#sign = side === 'bid' ? 1 : -1;
  }

  get length(): number {
    return this.#length;
  }

  /** Price of the level `rank` places from the best (0); NaN beyond the last. */
  price(rank: number): number {
    // Adding 0 makes of -0 what a price of 0 is.
    return rank < this.#length ? this.#sign * this.#keys[this.#length - 1 - rank]! + 0 : Number.NaN;
  }

  /** Size of the level `rank` places from the best; NaN beyond the last. */
  size(rank: number): number {
    return rank < this.#length ? this.#sizes[this.#length - 1 - rank]! : Number.NaN;
  }

  /** How many levels are at `price` or better. */
  upTo(price: number): number {
    return this.#length - this.#find(this.#sign * price);
  }

  /** Gives a level its size; a size of 0 takes it away, if it is there. */
  set(price: number, size: number): void {
    const key = this.#sign * price;
    const at = this.#find(key);
    const length = this.#length;
    if (at < length && this.#keys[at] === key) {
      if (size !== 0) {
        this.#sizes[at] = size;
        return;
      }
      if (at < length - 1) {
        this.#keys.copyWithin(at, at + 1, length);
        this.#sizes.copyWithin(at, at + 1, length);
      }
      this.#length--;
      return;
    }
    if (size === 0) return;
    if (length === this.#keys.length) this.#grow();
    if (at < length) {
      this.#keys.copyWithin(at + 1, at, length);
      this.#sizes.copyWithin(at + 1, at, length);
    }
    this.#keys[at] = key;
    this.#sizes[at] = size;
    this.#length++;
  }

  /** Keeps the best `depth` levels. */
  truncate(depth: number): void {
    const over = this.#length - depth;
    if (over <= 0) return;
    this.#keys.copyWithin(0, over, this.#length);
    this.#sizes.copyWithin(0, over, this.#length);
    this.#length = depth;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Multiplies prices and sizes: more decimals than before. Returns false, with nothing changed, when a number would not be exact any more. */
  rescale(priceFactor: number, sizeFactor: number): boolean {
    for (let i = 0; i < this.#length; i++) {
      if (Math.abs(this.#keys[i]! * priceFactor) > Number.MAX_SAFE_INTEGER) return false;
      if (this.#sizes[i]! * sizeFactor > Number.MAX_SAFE_INTEGER) return false;
    }
    for (let i = 0; i < this.#length; i++) {
      this.#keys[i]! *= priceFactor;
      this.#sizes[i]! *= sizeFactor;
    }
    return true;
  }

  /** Returns the best `n` levels, best first, as `[price, size, price, size]`. */
  best(n: number): Levels {
    const count = Math.min(n, this.#length);
    const levels = new Array<number>(2 * count);
    for (let rank = 0; rank < count; rank++) {
      levels[2 * rank] = this.price(rank);
      levels[2 * rank + 1] = this.size(rank);
    }
    return levels;
  }

  // Place of the first key that is not below `key`: from the best level back in growing steps, then halving.
  #find(key: number): number {
    const keys = this.#keys;
    let high = this.#length;
    let step = 1;
    let low = high - step;
    while (low >= 0 && keys[low]! >= key) {
      high = low;
      step *= 2;
      low -= step;
    }
    low = low < 0 ? 0 : low + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const sizes = new Float64Array(keys.length);
    keys.set(this.#keys);
    sizes.set(this.#sizes);
    this.#keys = keys;
    this.#sizes = sizes;
  }
}
