// Dates as days since 1970-01-01 and wall-clock times of a zone as microseconds since the epoch.

export const DAY_US = 86_400_000_000;
export const MINUTE_US = 60_000_000;

/** Returns the day (days since 1970-01-01) of a date of the Gregorian calendar; `month` from 1. */
export function dayOf(year: number, month: number, date: number): number {
  return Date.UTC(year, month - 1, date) / 86_400_000;
}

/** Returns the day that `YYYY-MM-DD` names, or null for anything else, also for dates that do not exist. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const day = Date.parse(`${text}T00:00:00Z`) / 86_400_000;
  return Number.isInteger(day) && dayText(day) === text ? day : null;
}

/** Returns a day as `YYYY-MM-DD`. */
export function dayText(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** Returns 0 for Sunday to 6 for Saturday. */
export function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

export function yearOf(day: number): number {
  return new Date(day * 86_400_000).getUTCFullYear();
}

/** Returns minutes since midnight of `HH:MM` up to `24:00`, or null for anything else. */
export function parseMinutes(text: string): number | null {
  const match = /^([01]\d|2[0-4]):([0-5]\d)$/.exec(text);
  if (!match) return null;
  const minutes = Number(match[1]) * 60 + Number(match[2]);
  return minutes <= 1440 ? minutes : null;
}

// Days that a table remembers: a gap of centuries must not fill the memory.
const MAX_REMEMBERED = 8192;

/** One time zone of the IANA database: its offsets are asked of Intl once for each noon and midnight, not for each record. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;
  readonly #offsets = new Map<number, number>();

  /** Throws a RangeError for a name that is no time zone. */
  constructor(name: string) {
    this.name = name;
    const fixed = name === 'UTC';
    this.#format = fixed
      ? null
      : new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
  }

  /** Returns microseconds since the epoch of a wall-clock time; one that a change of clocks skips or repeats is taken at the offset before it. */
  utc(day: number, minutes: number): number {
    const local = day * DAY_US + minutes * MINUTE_US;
    if (this.#format === null) return local;
    const first = local - this.offsetUs(local);
    const second = local - this.offsetUs(first);
    return second;
  }

  /** Returns the day of the wall clock at a time. */
  localDay(us: number): number {
    return Math.floor((us + this.offsetUs(us)) / DAY_US);
  }

  /** Returns how far local time is ahead of UTC at a time. */
  offsetUs(us: number): number {
    if (this.#format === null) return 0;
    // Zones change their clocks at whole quarters of an hour of UTC.
    const slot = Math.floor(us / (15 * MINUTE_US));
    const known = this.#offsets.get(slot);
    if (known !== undefined) return known;
    if (this.#offsets.size >= MAX_REMEMBERED) this.#offsets.clear();
    const offset = this.#read(slot * 15 * MINUTE_US);
    this.#offsets.set(slot, offset);
    return offset;
  }

  #read(us: number): number {
    const text = this.#format!.format(us / 1000);
    const match = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
    if (!match) return 0;
    const seconds = Number(match[2]) * 3600 + Number(match[3]) * 60 + Number(match[4] ?? 0);
    return (match[1] === '-' ? -seconds : seconds) * 1_000_000;
  }
}
