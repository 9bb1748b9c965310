// Intervals of time: counted from the epoch, or from the open of each session.
import type { Calendar } from '../sessions/calendar.ts';
import { DAY_US } from '../sessions/days.ts';

/** Finds the interval of a time. From the epoch, intervals of weeks begin on Mondays. */
export class TimeGrid {
  startUs = 0;
  endUs = 0;
  readonly #interval: number;
  readonly #origin: number;
  readonly #calendar: Calendar | null;

  constructor(
    { interval, align }: { interval: number; align: 'epoch' | 'session' },
    calendar: Calendar | null,
  ) {
    this.#interval = interval;
    // 1970-01-05 was a Monday.
    this.#origin = interval % (7 * DAY_US) === 0 ? 4 * DAY_US : 0;
    this.#calendar = align === 'session' ? calendar : null;
  }

  /** Sets `startUs` and `endUs` to the interval of a time; false where the market is closed. Of sessions, no interval goes beyond the close. */
  find(us: number): boolean {
    const interval = this.#interval;
    if (this.#calendar === null) {
      const index = Math.floor((us - this.#origin) / interval);
      this.startUs = this.#origin + index * interval;
      this.endUs = this.startUs + interval;
      return true;
    }
    const session = this.#calendar.at(us);
    if (session === null) return false;
    this.startUs = session.openUs + Math.floor((us - session.openUs) / interval) * interval;
    this.endUs = Math.min(this.startUs + interval, session.closeUs);
    return true;
  }
}
