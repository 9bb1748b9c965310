// Exact integers out of prices and sizes of sources that do not say how many decimals they have.
import { decimalsOf, MAX_DECIMALS, type Scale, ticksOf } from '../../../src/market/scale.ts';
import { decimalOf } from './net/json.ts';

/** Prices and sizes as integers of one scale, in the order in which they were given. */
export interface Exact {
  readonly scale: Scale;
  readonly prices: readonly number[];
  readonly sizes: readonly number[];
}

/** The scale of each instrument: it has the decimals that were seen, and grows with them. */
export class Scales {
  readonly #scales = new Map<string, Scale>();

  /** Gives an instrument at least these decimals. */
  atLeast(symbol: string, price: number, size: number): Scale {
    const known = this.#scales.get(symbol);
    if (known && known.price >= price && known.size >= size) return known;
    const scale = Object.freeze({
      price: Math.min(MAX_DECIMALS, Math.max(known?.price ?? 0, price)),
      size: Math.min(MAX_DECIMALS, Math.max(known?.size ?? 0, size)),
    });
    this.#scales.set(symbol, scale);
    return scale;
  }

  /** Returns prices and sizes (numbers or decimal text) as integers; null where one is no number, or has more digits than 2^53 holds. */
  exact(symbol: string, prices: readonly unknown[], sizes: readonly unknown[]): Exact | null {
    const priced = prices.map(decimalOf);
    const sized = sizes.map(decimalOf);
    if (priced.includes(null) || sized.includes(null)) return null;
    const scale = this.atLeast(symbol, most(priced as string[]), most(sized as string[]));
    const exact = {
      scale,
      prices: priced.map((text) => ticksOf(text!, scale.price)),
      sizes: sized.map((text) => ticksOf(text!, scale.size)),
    };
    return exact.prices.some(Number.isNaN) || exact.sizes.some(Number.isNaN) ? null : exact;
  }
}

function most(texts: readonly string[]): number {
  let decimals = 0;
  for (const text of texts) decimals = Math.max(decimals, decimalsOf(text));
  return decimals;
}
