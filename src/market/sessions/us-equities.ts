// Closed days and short days of the US stock exchanges (NYSE, Nasdaq), by their rules since 1990.
import { dayOf, parseDay, weekday, yearOf } from './days.ts';

const MONDAY = 1;
const THURSDAY = 4;
const SATURDAY = 6;
const SUNDAY = 0;

// Days without trading that follow from no rule.
const SPECIAL_CLOSINGS = [
  '1994-04-27', // funeral of Richard Nixon
  '2001-09-11', // attacks of September 11
  '2001-09-12',
  '2001-09-13',
  '2001-09-14',
  '2004-06-11', // funeral of Ronald Reagan
  '2007-01-02', // funeral of Gerald Ford
  '2012-10-29', // hurricane Sandy
  '2012-10-30',
  '2018-12-05', // funeral of George H. W. Bush
  '2025-01-09', // funeral of Jimmy Carter
].map((text) => parseDay(text)!);

// Short days that follow from no rule.
const SPECIAL_SHORT = ['1997-12-26', '1999-12-31', '2003-12-26'].map((text) => parseDay(text)!);

const CLOSE_AT_1 = 13 * 60;
const CLOSE_AT_2 = 14 * 60;

interface Year {
  readonly closed: ReadonlySet<number>;
  /** Minutes of New York at which a short day ends. */
  readonly short: ReadonlyMap<number, number>;
}

const years = new Map<number, Year>();

/** Returns whether the exchanges are closed on a weekday. */
export function isUsHoliday(day: number): boolean {
  return yearTable(yearOf(day)).closed.has(day);
}

/** Returns the minutes of New York at which a short day closes, or null for a full one. */
export function usShortClose(day: number): number | null {
  return yearTable(yearOf(day)).short.get(day) ?? null;
}

function yearTable(year: number): Year {
  let table = years.get(year);
  if (!table) {
    const closed = closedDays(year);
    table = { closed, short: shortDays(year, closed) };
    if (years.size > 256) years.clear();
    years.set(year, table);
  }
  return table;
}

function closedDays(year: number): Set<number> {
  const closed = new Set<number>();
  const newYear = dayOf(year, 1, 1);
  // On a Saturday it is not made up for: the Friday ends the year's books.
  closed.add(weekday(newYear) === SUNDAY ? newYear + 1 : newYear);
  if (year >= 1998) closed.add(nth(year, 1, MONDAY, 3)); // Martin Luther King
  closed.add(nth(year, 2, MONDAY, 3)); // Washington
  closed.add(easter(year) - 2); // Good Friday
  closed.add(lastMonday(year, 5)); // Memorial Day
  if (year >= 2022) closed.add(observed(dayOf(year, 6, 19))); // Juneteenth
  closed.add(observed(dayOf(year, 7, 4))); // Independence Day
  closed.add(nth(year, 9, MONDAY, 1)); // Labor Day
  closed.add(nth(year, 11, THURSDAY, 4)); // Thanksgiving
  closed.add(observed(dayOf(year, 12, 25)));
  for (const day of SPECIAL_CLOSINGS) if (yearOf(day) === year) closed.add(day);
  return closed;
}

function shortDays(year: number, closed: ReadonlySet<number>): Map<number, number> {
  const short = new Map<number, number>();
  const close = year < 1993 ? CLOSE_AT_2 : CLOSE_AT_1;
  const eve = dayOf(year, 12, 24);
  if (weekday(eve) >= MONDAY && weekday(eve) <= THURSDAY) short.set(eve, close);
  if (year >= 1992) short.set(nth(year, 11, THURSDAY, 4) + 1, close);
  const third = dayOf(year, 7, 3);
  const on = weekday(third);
  if (year >= 1995 && (on === MONDAY || on === 2 || on === THURSDAY)) short.set(third, CLOSE_AT_1);
  // With the 4th on a Thursday, the Friday after it was the short day until 2012, the Wednesday before it is since.
  if (on === 3 && year >= 1995) short.set(year < 2013 ? third + 2 : third, CLOSE_AT_1);
  for (const day of SPECIAL_SHORT) if (yearOf(day) === year) short.set(day, CLOSE_AT_1);
  for (const day of closed) short.delete(day);
  return short;
}

// On a Saturday the Friday before is free, on a Sunday the Monday after.
function observed(day: number): number {
  if (weekday(day) === SATURDAY) return day - 1;
  return weekday(day) === SUNDAY ? day + 1 : day;
}

function nth(year: number, month: number, on: number, count: number): number {
  const first = dayOf(year, month, 1);
  return first + ((on - weekday(first) + 7) % 7) + (count - 1) * 7;
}

function lastMonday(year: number, month: number): number {
  const last = dayOf(year, month + 1, 1) - 1;
  return last - ((weekday(last) - MONDAY + 7) % 7);
}

// Easter Sunday of the Gregorian calendar (Meeus 1991, Astronomical Algorithms, ch. 8).
function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const g = Math.floor((8 * b + 13) / 25);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dayOf(year, Math.floor(n / 31), (n % 31) + 1);
}
