// Performance of an equity curve that grows point by point: the same measures as the batch, at constant cost each.
import { NO_DISPERSION } from '../../src/trading/performance.ts';
import { Cadence, type CadenceState } from './cadence.ts';

/** Sums over all points up to one; never changed, so that the newest point can be taken back. */
interface Sums {
  readonly points: number;
  readonly first: number;
  readonly last: number;
  readonly peak: number;
  /** Largest 1 - equity / peak so far. */
  readonly depth: number;
  /** Whether equity was above zero all the time. */
  readonly positive: boolean;
  readonly mean: number;
  /** Sum of squared differences of the returns from their mean. */
  readonly squares: number;
}

/** Everything that `RunningPerformance` knows; plain JSON. */
export interface RunningState {
  readonly before: Sums | null;
  readonly now: Sums;
  readonly tsUs: number;
  readonly cadence: CadenceState;
}

/** Measures as of the newest point; fractions, null where not defined. */
export interface RunningMetrics {
  readonly total_return: number | null;
  /** Annualised, without a risk-free rate. */
  readonly sharpe_ratio: number | null;
  readonly max_drawdown: number | null;
}

/**
 * Follows one equity curve in constant memory and time. Several values of one event time are one point: the last
 * replaces those before it. Agrees with `performance` and `inferPeriodsPerYear` on the same curve.
 * Source: Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products" (1962).
 */
export class RunningPerformance {
  readonly #cadence: Cadence;
  #before: Sums | null;
  #now: Sums;
  #tsUs: number;

  constructor(state: RunningState) {
    this.#before = state.before;
    this.#now = state.now;
    this.#tsUs = state.tsUs;
    this.#cadence = new Cadence(state.cadence);
  }

  /** Returns the performance of a curve of one point: `equity` (quote currency) at `tsUs`. */
  static startingAt(tsUs: number, equity: number): RunningPerformance {
    const cadence = Cadence.startingAt(tsUs).state();
    return new RunningPerformance({ before: null, now: step(null, equity), tsUs, cadence });
  }

  /** Number of points, one for each event time. */
  get points(): number {
    return this.#now.points;
  }

  /** Event time of the newest point. */
  get tsUs(): number {
    return this.#tsUs;
  }

  /** Takes the equity at `tsUs`; returns false, and changes nothing, when that is older than the newest point. */
  add(tsUs: number, equity: number): boolean {
    if (tsUs < this.#tsUs) return false;
    if (tsUs > this.#tsUs) {
      this.#cadence.add(tsUs);
      this.#before = this.#now;
      this.#tsUs = tsUs;
    }
    this.#now = step(this.#before, equity);
    return true;
  }

  metrics(): RunningMetrics {
    const { points, first, last, depth, positive, mean, squares } = this.#now;
    const returns = points - 1;
    if (returns < 1 || !(first > 0)) return { total_return: null, sharpe_ratio: null, max_drawdown: null };
    const deviation = Math.sqrt(squares / (returns - 1));
    const defined = returns >= 2 && positive && deviation > NO_DISPERSION;
    return {
      total_return: last / first - 1,
      sharpe_ratio: defined
        ? (mean / deviation) * Math.sqrt(this.#cadence.periodsPerYear()!.periods_per_year)
        : null,
      max_drawdown: depth,
    };
  }

  state(): RunningState {
    return { before: this.#before, now: this.#now, tsUs: this.#tsUs, cadence: this.#cadence.state() };
  }
}

function step(sums: Sums | null, equity: number): Sums {
  const positive = equity > 0;
  if (!sums) {
    const none = { depth: 0, mean: 0, squares: 0 };
    return { points: 1, first: equity, last: equity, peak: equity, positive, ...none };
  }
  const peak = Math.max(sums.peak, equity);
  const depth = peak > 0 ? Math.max(sums.depth, 1 - equity / peak) : sums.depth;
  const common = { points: sums.points + 1, first: sums.first, last: equity, peak, depth };
  // Returns from zero or less are not defined, and neither is what is made of them from then on: infinities would not
  // survive the way through JSON.
  if (!sums.positive || !positive) return { ...common, positive: false, mean: 0, squares: 0 };
  const change = equity / sums.last - 1;
  const off = change - sums.mean;
  // `points` before this one is the number of returns with it.
  const mean = sums.mean + off / sums.points;
  return { ...common, positive, mean, squares: sums.squares + off * (change - mean) };
}
