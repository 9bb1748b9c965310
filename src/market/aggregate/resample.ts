// Longer bars of time from shorter ones.
import { InvalidOptionError } from '../../core/errors.ts';
import type { BarRecord } from '../records.ts';
import type { Calendar } from '../sessions/calendar.ts';
import { DAY_US } from '../sessions/days.ts';
import { DecimalSum } from './decimal-sum.ts';
import { TimeGrid } from './time-grid.ts';

/** Which longer bars are asked for. */
export interface ResampleOptions {
  /** Length in microseconds; a multiple of that of the bars. */
  readonly interval: number;
  /**
   * `session` counts from the open of each session of `calendar`, so that a day is one bar from open to close; longer bars than a day, and bars of
   * days, go by the days of the calendar and have midnight UTC of the first as their time. Default `epoch`. Weeks begin on Mondays.
   */
  readonly align?: 'epoch' | 'session';
  readonly calendar?: Calendar | null;
}

/**
 * Makes longer bars of bars of time of one series that come in order. `flags` of a longer bar are all of those in it, `trades` is null when that of one is.
 * Bars before the one being made are counted as late, those outside of the sessions as outside; neither is in a bar.
 */
export class BarResampler {
  readonly counts = { bars: 0, late: 0, outside: 0 };
  readonly #grid: TimeGrid;
  readonly #interval: number;
  readonly #calendar: Calendar | null;
  readonly #take: (bar: BarRecord) => void;
  #bar: BarRecord | null = null;
  // Its volume is here until it is handed on.
  readonly #volume = new DecimalSum();
  // Start of the newest longer bar, also when it has been handed on.
  #startUs = Number.NEGATIVE_INFINITY;

  /** Throws InvalidOptionError for an interval that is none, or sessions without a calendar. */
  constructor(
    { interval, align = 'epoch', calendar = null }: ResampleOptions,
    take: (bar: BarRecord) => void,
  ) {
    if (!Number.isSafeInteger(interval) || interval <= 0) refuse('interval', 'an integer above 0');
    if (align === 'session' && calendar === null) refuse('align', 'epoch where no calendar is known');
    if (align === 'session' && interval > DAY_US && interval % DAY_US !== 0) {
      refuse('interval', 'at most a day or whole days where sessions are known');
    }
    this.#interval = interval;
    this.#calendar = align === 'session' ? calendar : null;
    this.#take = take;
    this.#grid = new TimeGrid({ interval, align }, calendar);
  }

  /** Throws InvalidOptionError for a bar that is no part of the longer ones. */
  push(bar: BarRecord): void {
    if (bar.unit !== 'time' || this.#interval % bar.interval !== 0) {
      refuse('interval', 'a multiple of the length of the bars, which are of time');
    }
    const startUs = this.#startOf(bar);
    if (startUs === null) {
      this.counts.outside++;
      return;
    }
    if (startUs < this.#startUs || (startUs === this.#startUs && this.#bar === null)) {
      this.counts.late++;
      return;
    }
    this.counts.bars++;
    if (startUs > this.#startUs) {
      this.flush();
      this.#startUs = startUs;
      this.#bar = { ...bar, tsEventUs: startUs, tsEventText: undefined, interval: this.#interval };
    } else this.#bar = joined(this.#bar!, bar);
    this.#volume.add(bar.volume);
  }

  /** Hands on the bar that is being made, if there is one, as it is. */
  flush(): void {
    if (this.#bar === null) return;
    const bar = { ...this.#bar, volume: this.#volume.value };
    this.#bar = null;
    this.#volume.reset();
    this.#take(bar);
  }

  // Null outside of sessions.
  #startOf({ tsEventUs, interval }: BarRecord): number | null {
    const calendar = this.#calendar;
    if (calendar !== null && !calendar.hasBar(tsEventUs, interval)) return null;
    if (calendar === null || (interval < DAY_US && this.#interval <= DAY_US)) {
      // A bar of a round hour may begin before the session that it reaches into.
      const found = this.#grid.find(tsEventUs) || this.#grid.find(tsEventUs + interval - 1);
      return found ? this.#grid.startUs : null;
    }
    // Days of the calendar: that of foreign exchange opens the evening before.
    const reached =
      interval < DAY_US && calendar.at(tsEventUs) === null ? tsEventUs + interval - 1 : tsEventUs;
    return daysFrom(calendar.barDay(reached), this.#interval / DAY_US) * DAY_US;
  }
}

/** Returns longer bars of a series, the unfinished last one too, and what was left out. */
export function resample(
  bars: Iterable<BarRecord>,
  options: ResampleOptions,
): { readonly bars: BarRecord[]; readonly counts: BarResampler['counts'] } {
  const longer: BarRecord[] = [];
  const resampler = new BarResampler(options, (bar) => longer.push(bar));
  for (const bar of bars) resampler.push(bar);
  resampler.flush();
  return { bars: longer, counts: resampler.counts };
}

// The first of the `count` days that a day lies in.
function daysFrom(day: number, count: number): number {
  // 1970-01-05 was a Monday.
  const origin = count % 7 === 0 ? 4 : 0;
  return origin + Math.floor((day - origin) / count) * count;
}

function joined(bar: BarRecord, next: BarRecord): BarRecord {
  const { tsReceiveUs, tsReceiveText } = next.tsReceiveUs > bar.tsReceiveUs ? next : bar;
  return {
    ...bar,
    tsReceiveUs,
    tsReceiveText,
    flags: bar.flags | next.flags,
    high: Math.max(bar.high, next.high),
    low: Math.min(bar.low, next.low),
    close: next.close,
    trades: bar.trades === null || next.trades === null ? null : bar.trades + next.trades,
    // Only what has been done to all of it has been done to the longer bar.
    adjusted: bar.adjusted.filter((name) => next.adjusted.includes(name)),
  };
}

function refuse(field: string, expected: string): never {
  throw new InvalidOptionError(`Expected ${expected} for ${field}`, [{ pointer: `/${field}`, expected }]);
}
