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
    const growing = this.#of(symbol);
    growing.floor = growing.scale = scale;
  }

  /** Gives a symbol at least these decimals. */
  atLeast(symbol: string, price: number, size: number): Scale {
    const growing = this.#of(symbol);
    growing.floor = withAtLeast(growing.floor, price, size);
    growing.scale = withAtLeast(growing.scale, price, size);
    return growing.scale;
  }

  /** Returns the scale of a symbol as it is now; undefined before its first record. */
  now(symbol: string): Scale | undefined {
    return this.#scales.get(symbol)?.scale;
  }

  /** Makes the integers of one record by {@link GrowingScale.exactly}. Throws {@link Unreadable} as `make` does. */
  exactly<T>(symbol: string, make: (scale: GrowingScale) => T): T & { readonly scale: Scale } {
    const growing = this.#of(symbol);
    const value = growing.exactly(() => make(growing));
    return { ...value, scale: growing.scale };
  }

  /** Returns prices and sizes (numbers or decimal text) as integers; null where one is no number, or has more digits than 2^53 holds. */
  exact(symbol: string, prices: readonly unknown[], sizes: readonly unknown[]): Exact | null {
    const numbers = (scale: GrowingScale) => ({
      prices: prices.map((price) => whole(scale.price(decimalOf(price) ?? ''))),
      sizes: sizes.map((size) => whole(scale.size(decimalOf(size) ?? ''))),
    });
    try {
      return this.exactly(symbol, numbers);
    } catch (error) {
      if (error instanceof Unreadable) return null;
      throw error;
    }
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

function withAtLeast(scale: Scale, price: number, size: number): Scale {
  if (scale.price >= price && scale.size >= size) return scale;
  return Object.freeze({
    price: Math.min(MAX_DECIMALS, Math.max(scale.price, price)),
    size: Math.min(MAX_DECIMALS, Math.max(scale.size, size)),
  });
}

function whole(ticks: number): number {
  if (Number.isNaN(ticks)) throw new Unreadable('no exact number');
  return ticks;
}
