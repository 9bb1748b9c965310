// Compares two sources that say the same: how far apart their prices are, and since when by more than they may.
import { Keyed } from './keyed.ts';
import type { Stream } from './routing.ts';

export interface ArbitrationLimits {
  /** Prices are compared that were heard within so long of each other, in microseconds. */
  readonly windowUs: number;
  /** What two prices may differ by, in basis points of their mean. */
  readonly thresholdBps: number;
  /** Comparisons in a row on the other side of the threshold before the verdict changes. */
  readonly confirmations: number;
}

export const ARBITRATION_LIMITS: ArbitrationLimits = {
  windowUs: 2_000_000,
  thresholdBps: 50,
  confirmations: 5,
};

/** What is known of a source beside the one that is published. */
export interface DivergenceView {
  readonly symbol: string;
  readonly stream: Stream;
  readonly source: string;
  readonly against: string;
  readonly comparisons: number;
  /** Signed, in basis points: above 0 where `source` is the dearer one. */
  readonly last_bps: number;
  /** Exponential mean of the absolute difference over about 20 comparisons. */
  readonly mean_bps: number;
  readonly max_bps: number;
  readonly state: 'agrees' | 'diverges';
  readonly threshold_bps: number;
}

interface Last {
  price: number;
  atUs: number;
}

interface Pair {
  readonly symbol: string;
  readonly stream: Stream;
  readonly source: string;
  readonly against: string;
  comparisons: number;
  last: number;
  mean: number;
  max: number;
  diverges: boolean;
  /** Comparisons in a row that contradict the verdict. */
  contrary: number;
}

const ALPHA = 0.1;
/** Below this part of the threshold two sources agree again. */
const EASE = 0.8;

/** Holds the last price of each source, and what came of comparing. */
export class Arbitration {
  /** By stream, symbol, source. */
  readonly #last = new Keyed<Last>();
  readonly #pairs = new Map<string, Pair>();

  constructor(readonly limits: ArbitrationLimits = ARBITRATION_LIMITS) {}

  /**
   * Takes a price (a trade's, or the mid of a quote or book) of a source and compares it with that of `active`, the source that is published.
   * Returns the comparison when its verdict changed.
   */
  note(
    { symbol, stream, source, price }: { symbol: string; stream: Stream; source: string; price: number },
    active: string | null,
    nowUs: number,
  ): DivergenceView | null {
    const own = this.#last.get(stream, symbol, source);
    if (own) {
      own.price = price;
      own.atUs = nowUs;
    } else this.#last.set(stream, symbol, source, { price, atUs: nowUs });
    if (active === null || active === source) return null;
    const other = this.#last.get(stream, symbol, active);
    if (!other || nowUs - other.atUs > this.limits.windowUs) return null;
    return this.#compare({ symbol, stream, source, against: active }, price, other.price);
  }

  /** Forgets a stream that nobody wants any more. */
  forget(symbol: string, stream: Stream): void {
    this.#last.delete(stream, symbol);
    for (const [key, pair] of this.#pairs)
      if (pair.symbol === symbol && pair.stream === stream) this.#pairs.delete(key);
  }

  views(): DivergenceView[] {
    return [...this.#pairs.values()].map((pair) => this.#view(pair));
  }

  #compare(
    names: Pick<Pair, 'symbol' | 'stream' | 'source' | 'against'>,
    price: number,
    other: number,
  ): DivergenceView | null {
    const key = `${names.stream} ${names.symbol} ${names.source} ${names.against}`;
    let pair = this.#pairs.get(key);
    if (!pair) {
      pair = { ...names, comparisons: 0, last: 0, mean: 0, max: 0, diverges: false, contrary: 0 };
      this.#pairs.set(key, pair);
    }
    const bps = ((price - other) / ((Math.abs(price) + Math.abs(other)) / 2)) * 1e4;
    if (!Number.isFinite(bps)) return null;
    const size = Math.abs(bps);
    pair.last = bps;
    pair.mean = pair.comparisons === 0 ? size : pair.mean + ALPHA * (size - pair.mean);
    pair.max = Math.max(pair.max, size);
    pair.comparisons++;
    const { thresholdBps, confirmations } = this.limits;
    const contrary = pair.diverges ? size < thresholdBps * EASE : size > thresholdBps;
    pair.contrary = contrary ? pair.contrary + 1 : 0;
    if (pair.contrary < confirmations) return null;
    pair.contrary = 0;
    pair.diverges = !pair.diverges;
    return this.#view(pair);
  }

  #view(pair: Pair): DivergenceView {
    const { symbol, stream, source, against, comparisons, last, mean, max, diverges } = pair;
    return {
      symbol,
      stream,
      source,
      against,
      comparisons,
      last_bps: last,
      mean_bps: mean,
      max_bps: max,
      state: diverges ? 'diverges' : 'agrees',
      threshold_bps: this.limits.thresholdBps,
    };
  }
}
