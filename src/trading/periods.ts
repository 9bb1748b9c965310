// How many bars make a year: inferred from timestamps, with the convention in words.
import { InsufficientHistoryError, InvalidOptionError } from '../core/errors.ts';

const DAY_US = 86_400e6;
/** The Julian year: 365.25 days. */
export const YEAR_US = 365.25 * DAY_US;
/** Trading days of a year at exchanges that close at weekends, by convention. */
const TRADING_DAYS = 252;

export interface PeriodsPerYear {
  readonly periods_per_year: number;
  /** The rule that gave the number, in words. */
  readonly convention: string;
}

/**
 * Returns the number of bars a year from the median spacing of `timestampsUs` (microseconds, increasing): below a day
 * 365.25 days / spacing, which takes the market for open around the clock, so a session market wants its own number;
 * daily bars 252 when no bar falls on a Saturday or Sunday (UTC) though the bars span one, else 365.25; spacings of
 * 28-31, 89-92 and 365-366 days 12, 4 and 1; anything else 365.25 days / spacing. Sorts a copy: O(n log n).
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
  const median = gaps.length % 2 === 1 ? gaps[middle]! : (gaps[middle - 1]! + gaps[middle]!) / 2;
  const days = median / DAY_US;
  const around = (low: number, high: number) => days >= low && days <= high;

  // Daylight saving moves a local close by an hour, so a day is 23 to 25 hours.
  if (around(23 / 24, 25 / 24)) {
    return skipsWeekends(timestampsUs)
      ? { periods_per_year: TRADING_DAYS, convention: 'daily bars without weekends: 252 trading days' }
      : { periods_per_year: YEAR_US / DAY_US, convention: 'daily bars with weekends: 365.25 days' };
  }
  if (around(28, 31)) return { periods_per_year: 12, convention: 'monthly bars: 12' };
  if (around(89, 92)) return { periods_per_year: 4, convention: 'quarterly bars: 4' };
  if (around(365, 366)) return { periods_per_year: 1, convention: 'yearly bars: 1' };
  const scope = days < 1 ? 'market open around the clock' : 'calendar time';
  return { periods_per_year: YEAR_US / median, convention: `${scope}: 365.25 days / median spacing` };
}

/** The epoch was a Thursday. Five bars can lie between two weekends, so fewer than a week of days proves nothing. */
function skipsWeekends(timestampsUs: Float64Array): boolean {
  const first = timestampsUs[0]!;
  if (timestampsUs[timestampsUs.length - 1]! - first < 6 * DAY_US) return false;
  return timestampsUs.every((ts) => {
    const weekday = (Math.floor(ts / DAY_US) + 4) % 7;
    return weekday !== 0 && weekday !== 6;
  });
}
