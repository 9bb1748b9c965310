// One side of an order book: its levels in two sorted typed arrays, the best one last.
import type { Levels } from '../records.ts';

/** Fewer numbers are set one by one. */
const FEW = 8;
// Levels that come or go by one message: where they are among those before it, what they are.
const places: number[] = [];
const newKeys: number[] = [];
const newSizes: number[] = [];

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

  /** Gives levels `[price, size, price, size]` their sizes, as {@link set} would one after the other. */
  setAll(levels: Levels): void {
    const step = this.#directionOf(levels);
    if (step === 0) {
      for (let i = 0; i < levels.length; i += 2) this.set(levels[i]!, levels[i + 1]!);
      return;
    }
    const keys = this.#keys;
    const length = this.#length;
    let changes = 0;
    let at = -1;
    for (let i = step > 0 ? 0 : levels.length - 2; i >= 0 && i < levels.length; i += step) {
      const key = this.#sign * levels[i]!;
      const size = levels[i + 1]!;
      at = at < 0 ? this.#find(key) : this.#findFrom(at, key);
      const known = at < length && keys[at] === key;
      if (known && size !== 0) this.#sizes[at] = size;
      else if (known || size !== 0) {
        places[changes] = at;
        newKeys[changes] = key;
        newSizes[changes++] = size;
      }
    }
    if (changes > 0) this.#rearrange(changes);
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

  // The step by which levels are to be read for their keys to ascend; 0 where they are few or not in order.
  #directionOf(levels: Levels): -2 | 0 | 2 {
    if (levels.length < FEW) return 0;
    const up = levels[2]! > levels[0]! ? 1 : -1;
    for (let i = 2; i < levels.length; i += 2) if (!((levels[i]! - levels[i - 2]!) * up > 0)) return 0;
    return up === this.#sign ? 2 : -2;
  }

  // The same as `#find` for a key above those before `from`.
  #findFrom(from: number, key: number): number {
    const keys = this.#keys;
    const length = this.#length;
    let low = from;
    let high = from;
    for (let step = 1; high < length && keys[high]! < key; step *= 2) {
      low = high + 1;
      high += step;
    }
    if (high > length) high = length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Takes the levels away that are to have no size and puts in the new ones. What lies between two of them is moved once, by what they come to
  // together: parts that go up from the last one on, those that go down from the first one on, so that none is written over before it is moved.
  #rearrange(changes: number): void {
    let more = 0;
    for (let i = 0; i < changes; i++) more += newSizes[i] === 0 ? -1 : 1;
    const length = this.#length;
    while (length + more > this.#keys.length) this.#grow();
    for (let i = changes - 1, by = more, end = length; i >= 0; i--) {
      const gone = newSizes[i] === 0;
      if (by > 0) this.#move(places[i]! + (gone ? 1 : 0), end, by);
      by -= gone ? -1 : 1;
      end = places[i]!;
    }
    for (let i = 0, by = 0; i < changes; i++) {
      const gone = newSizes[i] === 0;
      const at = places[i]! + by;
      by += gone ? -1 : 1;
      if (by < 0) this.#move(places[i]! + (gone ? 1 : 0), i + 1 < changes ? places[i + 1]! : length, by);
      places[i] = at;
    }
    for (let i = 0; i < changes; i++) {
      if (newSizes[i] === 0) continue;
      this.#keys[places[i]!] = newKeys[i]!;
      this.#sizes[places[i]!] = newSizes[i]!;
    }
    this.#length += more;
  }

  #move(from: number, end: number, by: number): void {
    if (from === end) return;
    this.#keys.copyWithin(from + by, from, end);
    this.#sizes.copyWithin(from + by, from, end);
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
