// Trading calendars: when the sessions of a market are, as data, and the questions that records ask of them.
import { DAY_US, weekday, Zone } from './days.ts';

/** One stretch in which a market trades: from `openUs` on, before `closeUs`. `day` is the date that it counts for, in days since 1970-01-01. */
export interface Session {
  readonly day: number;
  readonly openUs: number;
  readonly closeUs: number;
}

/** What defines a calendar. Times are minutes of the zone's wall clock. */
export interface CalendarRules {
  readonly id: string;
  readonly title: string;
  /** Name in the IANA database: `America/New_York`. */
  readonly zone: string;
  /** Stretches of an ordinary week; `days` are those that they count for, 0 for Sunday. `openDay` -1 opens the evening before. */
  readonly weekly: readonly {
    readonly days: readonly number[];
    readonly open: number;
    readonly close: number;
    readonly openDay: 0 | -1;
  }[];
  readonly isHoliday?: (day: number) => boolean;
  /** Minutes at which a short day closes; null for a full one. */
  readonly shortClose?: (day: number) => number | null;
  /**
   * Minutes of a trading day around its sessions in which trades may be made as well: what comes then is not outside, and nothing is missing
   * where nothing comes. Sessions, and what is made of them, stay what they are.
   */
  readonly extendedHours?: (day: number) => { readonly open: number; readonly close: number };
}

const WEEK_US = 7 * DAY_US;
const MAX_REMEMBERED = 4096;
// No market is closed for longer: beyond it a search for the next session ends.
const SEARCH_DAYS = 60;

/** A calendar with remembered sessions. A question for each record costs a comparison while records stay in one session. */
export class Calendar {
  readonly id: string;
  readonly title: string;
  /** Open at every time: grids of bars go by the epoch. */
  readonly continuous: boolean;
  readonly #rules: CalendarRules;
  readonly #zone: Zone;
  readonly #days = new Map<number, readonly Session[]>();
  // What the last question found: a session, or the closed time between two.
  #fromUs = 1;
  #toUs = 0;
  #found: Session | null = null;

  constructor(rules: CalendarRules) {
    this.id = rules.id;
    this.title = rules.title;
    this.#rules = rules;
    this.#zone = new Zone(rules.zone);
    const daily = rules.weekly.find((stretch) => stretch.days.length === 7);
    this.continuous =
      rules.isHoliday === undefined &&
      rules.zone === 'UTC' &&
      daily !== undefined &&
      daily.open === 0 &&
      daily.close === 1440;
  }

  /** Returns the stretches that count for a day, in order; none when the market is closed. */
  sessionsOn(day: number): readonly Session[] {
    const known = this.#days.get(day);
    if (known) return known;
    const sessions: Session[] = [];
    if (this.isTradingDay(day)) {
      const short = this.#rules.shortClose?.(day) ?? null;
      for (const stretch of this.#rules.weekly) {
        if (!stretch.days.includes(weekday(day))) continue;
        const close = short === null ? stretch.close : Math.min(short, stretch.close);
        const openUs = this.#zone.utc(day + stretch.openDay, stretch.open);
        const closeUs = this.#zone.utc(day, close);
        if (closeUs > openUs) sessions.push({ day, openUs, closeUs });
      }
      sessions.sort((a, b) => a.openUs - b.openUs);
    }
    if (this.#days.size >= MAX_REMEMBERED) this.#days.clear();
    this.#days.set(day, sessions);
    return sessions;
  }

  isTradingDay(day: number): boolean {
    if (this.#rules.isHoliday?.(day)) return false;
    const on = weekday(day);
    return this.#rules.weekly.some((stretch) => stretch.days.includes(on));
  }

  /** Returns the session that a time is in, or null when the market is closed. */
  at(us: number): Session | null {
    if (us >= this.#fromUs && us < this.#toUs) return this.#found;
    const local = this.#zone.localDay(us);
    let before = Number.NEGATIVE_INFINITY;
    let after = Number.POSITIVE_INFINITY;
    // The rest of the UTC day reaches into the next local one, in whose evening a session of the day after may open.
    for (let day = local - 1; day <= local + 2; day++) {
      for (const session of this.sessionsOn(day)) {
        if (us >= session.openUs && us < session.closeUs) {
          return this.#remember(session.openUs, session.closeUs, session);
        }
        if (session.closeUs <= us) before = Math.max(before, session.closeUs);
        else after = Math.min(after, session.openUs);
      }
    }
    const dayStart = us - (us % DAY_US);
    return this.#remember(Math.max(before, dayStart), Math.min(after, dayStart + DAY_US), null);
  }

  isOpen(us: number): boolean {
    return this.continuous || this.at(us) !== null;
  }

  /** Returns for how much of a range of time sessions are open, in microseconds. */
  openBetween(fromUs: number, toUs: number): number {
    if (this.continuous) return Math.max(0, toUs - fromUs);
    let open = 0;
    for (const session of this.sessions(fromUs, toUs))
      open += Math.max(0, Math.min(toUs, session.closeUs) - Math.max(fromUs, session.openUs));
    return open;
  }

  /** Returns the first session that opens after a time, or null when none does within 60 days. */
  next(us: number): Session | null {
    const local = this.#zone.localDay(us);
    for (let day = local; day <= local + SEARCH_DAYS; day++) {
      for (const session of this.sessionsOn(day)) if (session.openUs > us) return session;
    }
    return null;
  }

  /** Yields the sessions that overlap a range of time, oldest first. */
  *sessions(fromUs: number, toUs: number): Generator<Session> {
    const last = this.#zone.localDay(toUs) + 1;
    for (let day = this.#zone.localDay(fromUs) - 1; day <= last; day++) {
      for (const session of this.sessionsOn(day)) {
        if (session.closeUs > fromUs && session.openUs <= toUs) yield session;
      }
    }
  }

  /** Returns the day that a daily bar is for: the date of midnight UTC, else that of the session at its time, else the local date. */
  barDay(us: number): number {
    if (us % DAY_US === 0) return us / DAY_US;
    return this.at(us)?.day ?? this.#zone.localDay(us);
  }

  /** Returns whether a bar of a length may exist at a time: one of a day or more on a trading day, a shorter one that overlaps a session. */
  hasBar(us: number, intervalUs: number): boolean {
    if (this.continuous) return true;
    if (intervalUs > DAY_US) return true;
    if (intervalUs === DAY_US) return this.isTradingDay(this.barDay(us));
    if (this.at(us) !== null) return true;
    const next = this.next(us);
    return next !== null && next.openUs < us + intervalUs;
  }

  /**
   * Returns how many bars are missing between two that follow each other. Bars of a session lie on the grid of the first one, counted from its
   * open; daily ones on trading days, weekly ones on weeks. Other lengths beyond a day are judged on continuous calendars only: 0 else.
   */
  missingBars(previousUs: number, us: number, intervalUs: number): number {
    if (us <= previousUs + intervalUs) return 0;
    if (this.continuous) return Math.ceil((us - previousUs) / intervalUs) - 1;
    if (intervalUs === WEEK_US) return Math.max(0, weekOf(us) - weekOf(previousUs) - 1);
    if (intervalUs > DAY_US) return 0;
    let missing = 0;
    if (intervalUs < DAY_US) {
      for (const run of this.#runsBetween(previousUs, us, intervalUs)) missing += run.count;
    } else for (const _ of this.barsBetween(previousUs, us, intervalUs)) missing++;
    return missing;
  }

  /** Yields the times of the bars that are missing between two that follow each other; see {@link missingBars}. */
  *barsBetween(previousUs: number, us: number, intervalUs: number): Generator<number> {
    if (this.continuous || intervalUs === WEEK_US) {
      for (let at = previousUs + intervalUs; at < us; at += intervalUs) yield at;
      return;
    }
    if (intervalUs > DAY_US) return;
    if (intervalUs === DAY_US) {
      const last = this.barDay(us);
      const dated = previousUs % DAY_US === 0;
      const intoSession = dated ? 0 : previousUs - (this.at(previousUs)?.openUs ?? previousUs);
      for (let day = this.barDay(previousUs) + 1; day < last; day++) {
        if (!this.isTradingDay(day)) continue;
        yield dated ? day * DAY_US : (this.sessionsOn(day)[0]?.openUs ?? day * DAY_US) + intoSession;
      }
      return;
    }
    for (const { firstUs, count } of this.#runsBetween(previousUs, us, intervalUs)) {
      for (let i = 0; i < count; i++) yield firstUs + i * intervalUs;
    }
  }

  // Bars of less than a day that are missing, as one run for each session: bars of a microsecond are not counted one by one.
  *#runsBetween(
    previousUs: number,
    us: number,
    intervalUs: number,
  ): Generator<{ firstUs: number; count: number }> {
    const origin = this.at(previousUs) ?? this.next(previousUs);
    const phase = origin === null ? 0 : modulo(previousUs - origin.openUs, intervalUs);
    // Where sessions follow each other without a break, the last bar of one may be the first that overlaps the next.
    let last = previousUs;
    for (const session of this.sessions(previousUs, us)) {
      // The first place of the grid whose bar overlaps the session.
      const gridUs = session.openUs + phase - (phase > 0 ? intervalUs : 0);
      // A source may cut its first bar at the open: it is that place.
      if (gridUs < session.openUs && us >= session.openUs && us < gridUs + intervalUs) continue;
      const skipped = Math.max(0, Math.floor((last - gridUs) / intervalUs) + 1);
      const places = Math.ceil((Math.min(session.closeUs, us) - gridUs) / intervalUs);
      if (places <= skipped) continue;
      yield { firstUs: gridUs + skipped * intervalUs, count: places - skipped };
      last = gridUs + (places - 1) * intervalUs;
    }
  }

  /** Returns whether a range of time from `fromUs` to before `toUs` touches extended hours; false where the calendar has none. */
  touchesExtendedHours(fromUs: number, toUs: number): boolean {
    const hours = this.#rules.extendedHours;
    if (!hours) return false;
    for (let day = this.#zone.localDay(fromUs); day <= this.#zone.localDay(toUs - 1); day++) {
      if (!this.isTradingDay(day)) continue;
      const { open, close } = hours(day);
      if (fromUs < this.#zone.utc(day, close) && toUs > this.#zone.utc(day, open)) return true;
    }
    return false;
  }

  #remember(fromUs: number, toUs: number, session: Session | null): Session | null {
    this.#fromUs = fromUs;
    this.#toUs = toUs;
    this.#found = session;
    return session;
  }
}

function weekOf(us: number): number {
  // Weeks begin on Monday; 1970-01-05 was one.
  return Math.floor((us / DAY_US - 4) / 7);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
