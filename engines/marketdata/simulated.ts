// The simulated market: eight correlated instruments that never existed, for a system without a feed.
import { z } from 'zod';
import { Philox } from '../../src/core/philox.ts';
import type { Bar } from '../../src/market/bar.ts';

/** Value of `source` on every bar of it. */
export const SIMULATED = 'simulated';

interface Instrument {
  readonly symbol: string;
  readonly start: number;
  /** Annual volatility as a fraction. */
  readonly volatility: number;
  /** Loading on the one common factor; the square root of its share of the variance. */
  readonly loading: number;
  readonly decimals: number;
}

/** Invented instruments; the prefix says so wherever they show. */
export const INSTRUMENTS: readonly Instrument[] = [
  { symbol: 'SIM-BTC', start: 64_000, volatility: 0.6, loading: 0.8, decimals: 2 },
  { symbol: 'SIM-ETH', start: 3_200, volatility: 0.75, loading: 0.85, decimals: 2 },
  { symbol: 'SIM-SOL', start: 150, volatility: 0.95, loading: 0.75, decimals: 3 },
  { symbol: 'SIM-TECH', start: 420, volatility: 0.3, loading: 0.6, decimals: 2 },
  { symbol: 'SIM-BANK', start: 95, volatility: 0.28, loading: 0.5, decimals: 2 },
  { symbol: 'SIM-OIL', start: 78, volatility: 0.38, loading: 0.3, decimals: 2 },
  { symbol: 'SIM-GOLD', start: 2_350, volatility: 0.15, loading: -0.2, decimals: 2 },
  { symbol: 'SIM-BOND', start: 101, volatility: 0.07, loading: -0.35, decimals: 3 },
];

const US_PER_YEAR = 365.25 * 86_400 * 1e6;
// One bar per second would hardly move at true speed: each bar covers a minute of the simulated market's life.
const MARKET_US_PER_BAR = 60_000_000;
const TICKS_PER_BAR = 8;
const SEED_STREAM = 0x73696d;

/** State of a simulated market. */
export const simulatedState = z.object({
  drawn: z.int().nonnegative().multipleOf(2),
  log_prices: z.array(z.number()).length(INSTRUMENTS.length),
});
export type SimulatedState = z.infer<typeof simulatedState>;

/**
 * Geometric Brownian motion with one common factor: dlog S = sigma (b dM + sqrt(1 - b^2) dE) - sigma^2/2 dt.
 * The same seed gives the same prices; each bar is made of eight ticks, so that open, high, low and close differ.
 */
export class SimulatedMarket {
  readonly #random: Philox;
  readonly #logPrices: Float64Array;
  readonly #intervalUs: number;
  // Even, since the generator makes numbers in pairs.
  #drawn = 0;

  constructor(seed: number, intervalUs: number) {
    this.#random = new Philox(seed, SEED_STREAM);
    this.#logPrices = Float64Array.from(INSTRUMENTS, (i) => Math.log(i.start));
    this.#intervalUs = intervalUs;
  }

  /** Where the market stands, so that a restart goes on from there: a jump would be a profit or loss that never was. */
  get state(): SimulatedState {
    return { drawn: this.#drawn, log_prices: [...this.#logPrices] };
  }

  restore({ drawn, log_prices }: SimulatedState): void {
    this.#drawn = drawn;
    this.#logPrices.set(log_prices);
  }

  /** Returns the next bar of every instrument, stamped `tsEventUs`. */
  next(tsEventUs: number): Bar[] {
    const n = INSTRUMENTS.length;
    const normals = new Float64Array(TICKS_PER_BAR * (n + 1));
    this.#random.fillNormal(normals, this.#drawn);
    this.#drawn += normals.length;
    const dt = MARKET_US_PER_BAR / TICKS_PER_BAR / US_PER_YEAR;
    return INSTRUMENTS.map((instrument, k) => {
      const ticks = [this.#logPrices[k]!];
      const own = Math.sqrt(1 - instrument.loading ** 2);
      let moved = 0;
      for (let t = 0; t < TICKS_PER_BAR; t++) {
        const common = normals[t * (n + 1)]!;
        const shock = instrument.loading * common + own * normals[t * (n + 1) + 1 + k]!;
        const step = instrument.volatility * Math.sqrt(dt) * shock - (instrument.volatility ** 2 / 2) * dt;
        moved += Math.abs(step);
        ticks.push(ticks.at(-1)! + step);
      }
      this.#logPrices[k] = ticks.at(-1)!;
      const prices = ticks.map((x) => round(Math.exp(x), instrument.decimals));
      return {
        symbol: instrument.symbol,
        ts_event_us: tsEventUs,
        interval_us: this.#intervalUs,
        open: prices[0]!,
        high: Math.max(...prices),
        low: Math.min(...prices),
        close: prices.at(-1)!,
        // Trading follows movement, as in real markets.
        volume: round((moved * 1e6) / instrument.volatility, 0),
      };
    });
  }
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}
