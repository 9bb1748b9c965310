// How often a series of timestamps ticks: its median spacing, kept up to date in bounded memory.
import { InvariantError } from '../../src/core/errors.ts';
import { isWeekend, type PeriodsPerYear, periodsPerYearOf } from '../../src/trading/periods.ts';

/** Everything that `Cadence` knows; plain JSON. */
export interface CadenceState {
  readonly firstUs: number;
  readonly lastUs: number;
  readonly weekends: boolean;
  readonly medianUs: number;
  /** Gaps are counted as multiples of it. */
  readonly resolutionUs: number;
  /** Gap in microseconds and how often it came. */
  readonly gaps: readonly (readonly [gapUs: number, count: number])[];
}

const MAX_GAPS = 64;

/**
 * Follows increasing timestamps. The median of the gaps is exact while there are at most 64 different ones, as in any
 * series of bars; beyond that gaps are rounded, tenfold coarser each time, until 64 kinds hold them. An observation at
 * the usual spacing costs one look-up.
 */
export class Cadence {
  readonly #gaps: Map<number, number>;
  #firstUs: number;
  #lastUs: number;
  #weekends: boolean;
  #medianUs: number;
  #resolutionUs: number;

  constructor(state: CadenceState) {
    this.#gaps = new Map(state.gaps);
    this.#firstUs = state.firstUs;
    this.#lastUs = state.lastUs;
    this.#weekends = state.weekends;
    this.#medianUs = state.medianUs;
    this.#resolutionUs = state.resolutionUs;
  }

  /** Returns the cadence of a single timestamp. */
  static startingAt(tsUs: number): Cadence {
    const one = { firstUs: tsUs, lastUs: tsUs, weekends: isWeekend(tsUs) };
    return new Cadence({ ...one, medianUs: 0, resolutionUs: 1, gaps: [] });
  }

  /** Takes the next timestamp, which is later than the last. Throws InvariantError. */
  add(tsUs: number): void {
    const gap = tsUs - this.#lastUs;
    if (!(gap > 0)) throw new InvariantError('timestamps of a cadence do not increase');
    this.#lastUs = tsUs;
    this.#weekends ||= isWeekend(tsUs);
    const kind = this.#kind(gap);
    this.#gaps.set(kind, (this.#gaps.get(kind) ?? 0) + 1);
    // One more of the median leaves the median where it is.
    if (kind === this.#medianUs) return;
    while (this.#gaps.size > MAX_GAPS) this.#coarsen();
    this.#medianUs = median(this.#gaps);
  }

  /** Returns the bars a year by the rules of `periodsPerYearOf`; null below 2 timestamps. */
  periodsPerYear(): PeriodsPerYear | null {
    if (this.#gaps.size === 0) return null;
    return periodsPerYearOf({
      medianUs: this.#medianUs,
      firstUs: this.#firstUs,
      lastUs: this.#lastUs,
      weekends: this.#weekends,
    });
  }

  state(): CadenceState {
    return {
      firstUs: this.#firstUs,
      lastUs: this.#lastUs,
      weekends: this.#weekends,
      medianUs: this.#medianUs,
      resolutionUs: this.#resolutionUs,
      gaps: [...this.#gaps],
    };
  }

  #kind(gap: number): number {
    const unit = this.#resolutionUs;
    return unit === 1 ? gap : Math.max(unit, Math.round(gap / unit) * unit);
  }

  #coarsen(): void {
    this.#resolutionUs *= 10;
    const finer = [...this.#gaps];
    this.#gaps.clear();
    for (const [gap, count] of finer) {
      const kind = this.#kind(gap);
      this.#gaps.set(kind, (this.#gaps.get(kind) ?? 0) + count);
    }
  }
}

/** The middle gap, or the mean of the two middle ones. */
function median(gaps: ReadonlyMap<number, number>): number {
  const sorted = [...gaps].sort(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const at = (rank: number) => {
    let seen = 0;
    for (const [gap, count] of sorted) {
      seen += count;
      if (seen > rank) return gap;
    }
    return 0;
  };
  return total % 2 === 1 ? at((total - 1) / 2) : (at(total / 2 - 1) + at(total / 2)) / 2;
}
