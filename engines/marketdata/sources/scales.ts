// Exact integers out of prices and sizes of instruments whose decimals are not known in advance.
import { GrowingScale } from '../../../src/market/growing-scale.ts';
import { MAX_DECIMALS, type Scale } from '../../../src/market/scale.ts';
import { Unreadable } from './net/fields.ts';
import { decimalOf } from './net/json.ts';

/** Prices and sizes as integers of one scale, in the order in which they were given. */
export interface Exact {
  readonly scale: Scale;
  readonly prices: readonly number[];
  readonly sizes: readonly number[];
}

/** Symbols that one source keeps scales of. */
const MAX_SYMBOLS = 20_000;

/** Scales of the instruments of one source: they grow with what is said of them. */
export class Scales {
  readonly #scales = new Map<string, GrowingScale>();

  /** Sets the decimals that the venue states for a symbol. */
  set(symbol: string, scale: Scale): void {
    this.#of(symbol).scale = scale;
  }

  /** Gives a symbol at least these decimals. */
  atLeast(symbol: string, price: number, size: number): Scale {
    const growing = this.#of(symbol);
    const { scale } = growing;
    if (scale.price < price || scale.size < size)
      growing.scale = Object.freeze({
        price: Math.min(MAX_DECIMALS, Math.max(scale.price, price)),
        size: Math.min(MAX_DECIMALS, Math.max(scale.size, size)),
      });
    return growing.scale;
  }

  /** Returns the scale of a symbol as it is now; undefined before its first record. */
  now(symbol: string): Scale | undefined {
    return this.#scales.get(symbol)?.scale;
  }

  /** Makes the integers of one record: all in one scale, again from the start when that grew on the way. */
  exactly<T>(symbol: string, make: (scale: GrowingScale) => T): T & { readonly scale: Scale } {
    const growing = this.#of(symbol);
    for (;;) {
      const { scale } = growing;
      const value = make(growing);
      if (growing.scale === scale) return { ...value, scale };
    }
  }

  /** Returns prices and sizes (numbers or decimal text) as integers; null where one is no number, or has more digits than 2^53 holds. */
  exact(symbol: string, prices: readonly unknown[], sizes: readonly unknown[]): Exact | null {
    const exact = this.exactly(symbol, (scale) => ({
      prices: prices.map((price) => scale.price(decimalOf(price) ?? '')),
      sizes: sizes.map((size) => scale.size(decimalOf(size) ?? '')),
    }));
    return exact.prices.some(Number.isNaN) || exact.sizes.some(Number.isNaN) ? null : exact;
  }

  #of(symbol: string): GrowingScale {
    let scale = this.#scales.get(symbol);
    if (!scale) {
      if (this.#scales.size >= MAX_SYMBOLS) throw new Unreadable('more symbols than a venue has');
      scale = new GrowingScale();
      this.#scales.set(symbol, scale);
    }
    return scale;
  }
}
