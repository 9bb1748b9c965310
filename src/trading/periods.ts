// How many bars make a year: inferred from timestamps, with the convention in words.
import { InsufficientHistoryError, InvalidOptionError } from '../core/errors.ts';

/** Microseconds of a day. */
export const DAY_US = 86_400e6;
/** The Julian year: 365.25 days. */
export const YEAR_US = 365.25 * DAY_US;
/** Trading days of a year at exchanges that close at weekends, by convention. */
const TRADING_DAYS = 252;

const UNIT_US = { m: 60e6, h: 3600e6, d: DAY_US, w: 7 * DAY_US };

/** Returns the microseconds of a duration that is checked already: a whole number and one of m, h, d and w, such as `1d`. */
export function durationUs(text: string): number {
  return Number(text.slice(0, -1)) * UNIT_US[text.at(-1) as keyof typeof UNIT_US];
}

export interface PeriodsPerYear {
  readonly periods_per_year: number;
  /** The rule that gave the number, in words. */
  readonly convention: string;
}

/** What the rules below need to know of a series of timestamps; all of it can be kept up to date in one pass. */
export interface Spacing {
  /** Median distance between neighbours, microseconds, above 0. */
  readonly medianUs: number;
  readonly firstUs: number;
  readonly lastUs: number;
  /** Whether any timestamp falls on a Saturday or Sunday (UTC). */
  readonly weekends: boolean;
}

/**
 * Returns the number of bars a year from the median spacing of `timestampsUs` (microseconds, increasing) by the rules of
 * {@link periodsPerYearOf}. Sorts a copy: O(n log n).
 * Throws InsufficientHistoryError below 2 timestamps, InvalidOptionError when they don't increase.
 */
export function inferPeriodsPerYear(timestampsUs: Float64Array): PeriodsPerYear {
  const n = timestampsUs.length;
  if (n < 2) throw new InsufficientHistoryError('Expected at least 2 timestamps', 2, n);
  const gaps = new Float64Array(n - 1);
  for (let i = 1; i < n; i++) {
    const gap = timestampsUs[i]! - timestampsUs[i - 1]!;
    if (!(gap > 0)) throw new InvalidOptionError('Expected timestamps that increase');
    gaps[i - 1] = gap;
  }
  gaps.sort();
  const middle = (n - 1) >> 1;
  const medianUs = gaps.length % 2 === 1 ? gaps[middle]! : (gaps[middle - 1]! + gaps[middle]!) / 2;
  const weekends = timestampsUs.some(isWeekend);
  return periodsPerYearOf({ medianUs, firstUs: timestampsUs[0]!, lastUs: timestampsUs[n - 1]!, weekends });
}

/**
 * Returns the number of bars a year of a series so spaced: below a day 365.25 days / spacing, which takes the market for
 * open around the clock, so a session market wants its own number; daily bars 252 when no bar falls on a Saturday or
 * Sunday (UTC) though the bars span one, else 365.25; spacings of 28-31, 89-92 and 365-366 days 12, 4 and 1; anything
 * else 365.25 days / spacing.
 */
export function periodsPerYearOf({ medianUs, firstUs, lastUs, weekends }: Spacing): PeriodsPerYear {
  const days = medianUs / DAY_US;
  const around = (low: number, high: number) => days >= low && days <= high;

  // Daylight saving moves a local close by an hour, so a day is 23 to 25 hours.
  if (around(23 / 24, 25 / 24)) {
    // Five bars can lie between two weekends, so fewer than a week of days proves nothing.
    return !weekends && lastUs - firstUs >= 6 * DAY_US
      ? { periods_per_year: TRADING_DAYS, convention: 'daily bars without weekends: 252 trading days' }
      : { periods_per_year: YEAR_US / DAY_US, convention: 'daily bars with weekends: 365.25 days' };
  }
  if (around(28, 31)) return { periods_per_year: 12, convention: 'monthly bars: 12' };
  if (around(89, 92)) return { periods_per_year: 4, convention: 'quarterly bars: 4' };
  if (around(365, 366)) return { periods_per_year: 1, convention: 'yearly bars: 1' };
  const scope = days < 1 ? 'market open around the clock' : 'calendar time';
  return { periods_per_year: YEAR_US / medianUs, convention: `${scope}: 365.25 days / median spacing` };
}

/** Whether `tsUs` (microseconds since the epoch, which was a Thursday) falls on a Saturday or Sunday, UTC. */
export function isWeekend(tsUs: number): boolean {
  const weekday = (Math.floor(tsUs / DAY_US) + 4) % 7;
  return weekday === 0 || weekday === 6;
}
