// The calendars that come with the system, and calendars that users give as data.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import { fieldErrors, invalidFields } from '../../core/field-errors.ts';
import { Calendar, type CalendarRules } from './calendar.ts';
import { parseDay, parseMinutes } from './days.ts';
import { isUsHoliday, usShortClose } from './us-equities.ts';

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];
const WEEKDAYS = [1, 2, 3, 4, 5];

const RULES: readonly CalendarRules[] = [
  {
    id: '24x7',
    title: 'Always open, days of UTC: crypto',
    zone: 'UTC',
    weekly: [{ days: EVERY_DAY, open: 0, close: 1440, openDay: 0 }],
  },
  {
    id: 'fx',
    title: 'Foreign exchange: Sunday 17:00 to Friday 17:00 of New York, days change at 17:00',
    zone: 'America/New_York',
    weekly: [{ days: WEEKDAYS, open: 1020, close: 1020, openDay: -1 }],
  },
  {
    id: 'us-equities',
    title: 'US stock exchanges: 09:30 to 16:00 of New York, holidays and short days since 1990',
    zone: 'America/New_York',
    weekly: [{ days: WEEKDAYS, open: 570, close: 960, openDay: 0 }],
    isHoliday: isUsHoliday,
    shortClose: usShortClose,
  },
  {
    id: 'us-equities-extended',
    title:
      'US stock exchanges with the hours before and after: 04:00 to 20:00 of New York, to 17:00 on short days',
    zone: 'America/New_York',
    weekly: [{ days: WEEKDAYS, open: 570, close: 960, openDay: 0 }],
    isHoliday: isUsHoliday,
    shortClose: usShortClose,
    extendedHours: (day) => ({ open: 240, close: usShortClose(day) === null ? 1200 : 1020 }),
  },
];

const made = new Map<string, Calendar>();

/** Ids of the calendars that come with the system. */
export const CALENDAR_IDS: readonly string[] = RULES.map((rules) => rules.id);

/** Returns a calendar of the system, always the same object. Throws InvalidOptionError for an id that is none. */
export function calendarById(id: string): Calendar {
  let calendar = made.get(id);
  if (!calendar) {
    const rules = RULES.find((one) => one.id === id);
    const expected = `one of ${CALENDAR_IDS.join(', ')}`;
    if (!rules) {
      throw new InvalidOptionError(`Expected ${expected} for calendar, was another`, [
        { pointer: '/calendar', expected, received: 'another' },
      ]);
    }
    calendar = new Calendar(rules);
    made.set(id, calendar);
  }
  return calendar;
}

const time = z
  .string()
  .refine((text) => parseMinutes(text) !== null, 'a time from 00:00 to 24:00')
  .describe('Wall-clock time of the zone, 00:00 to 24:00');
const date = z
  .string()
  .refine((text) => parseDay(text) !== null, 'a date YYYY-MM-DD')
  .describe('Date, YYYY-MM-DD');

/** A calendar as users write it. */
export const calendarSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  zone: z
    .string()
    .min(1)
    .max(64)
    .refine(isZone, 'a time zone of the IANA database')
    .describe('IANA time zone'),
  sessions: z
    .array(
      z.strictObject({
        days: z
          .array(z.int().min(0).max(6))
          .min(1)
          .max(7)
          .describe('Weekdays that it counts for, 0 for Sunday'),
        open: time,
        close: time,
        opens_the_day_before: z.boolean().default(false),
      }),
    )
    .min(1)
    .max(14),
  holidays: z.array(date).max(10_000).default([]),
  short_days: z.record(date, time).default({}).describe('Earlier close by date'),
});

export type CalendarInput = z.input<typeof calendarSchema>;

/** Returns a calendar that a user defines. Throws InvalidOptionError that names what is wrong: a field, a session that ends before it begins, two that overlap. */
export function calendarOf(input: CalendarInput): Calendar {
  const read = calendarSchema.safeParse(input);
  if (!read.success) throw invalidFields(fieldErrors(read.error.issues, '', input), 'the calendar');
  const { id, zone, sessions, holidays, short_days } = read.data;
  const weekly = sessions.map((session) => ({
    days: [...new Set(session.days)],
    open: parseMinutes(session.open)!,
    close: parseMinutes(session.close)!,
    openDay: session.opens_the_day_before ? (-1 as const) : (0 as const),
  }));
  checkStretches(weekly);
  const closed = new Set(holidays.map((text) => parseDay(text)!));
  const short = new Map(
    Object.entries(short_days).map(([text, close]) => [parseDay(text)!, parseMinutes(close)!]),
  );
  return new Calendar({
    id,
    title: `Given by the user: ${id}`,
    zone,
    weekly,
    ...(closed.size > 0 && { isHoliday: (day: number) => closed.has(day) }),
    ...(short.size > 0 && { shortClose: (day: number) => short.get(day) ?? null }),
  });
}

// Minutes of a week, so that stretches over midnight and over the end of the week are compared as well.
function checkStretches(weekly: CalendarRules['weekly']): void {
  const week = 7 * 1440;
  const taken: [from: number, to: number, index: number][] = [];
  weekly.forEach((stretch, index) => {
    for (const day of stretch.days) {
      const from = (day + stretch.openDay) * 1440 + stretch.open;
      const to = day * 1440 + stretch.close;
      if (to <= from) refuse(index, 'a close after its open');
      for (const shift of [-week, 0, week]) {
        if (taken.some(([a, b]) => from + shift < b && to + shift > a)) {
          refuse(index, 'sessions that do not overlap');
        }
      }
      taken.push([from, to, index]);
    }
  });
}

function refuse(index: number, expected: string): never {
  throw new InvalidOptionError(`Expected ${expected} for sessions`, [
    { pointer: `/sessions/${index}`, expected },
  ]);
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
