// Calendars against the trading days of real data, short days, changes of clocks, and sessions that users give.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { csvDates, leanDaily } from '../../../test/support/market-files.ts';
import { InvalidOptionError } from '../../core/errors.ts';
import { type CalendarInput, calendarById, calendarOf } from './calendars.ts';
import { DAY_US, dayOf, dayText, MINUTE_US, parseDay, weekday, Zone } from './days.ts';

const us = calendarById('us-equities');
const fx = calendarById('fx');
const crypto = calendarById('24x7');
const at = (text: string) => Date.parse(text) * 1000;

function days(name: string): string[] | null {
  const lean = /^lean (\w+)$/.exec(name);
  return lean ? (leanDaily(lean[1]!)?.map((row) => row.date) ?? null) : csvDates(`${name}.csv.gz`);
}

const FILES = [
  'sp500-index-daily-close-1990-2022',
  'sp500-daily-ohlcv-2000-2020',
  'orcl-1995-2014-daily-ohlcv',
  'factor-etfs-daily-close-2014-2022',
  'lean spy',
  'lean aig',
].map((name) => ({ name, traded: days(name) }));

describe('US equities', () => {
  for (const { name, traded } of FILES) {
    const title = `trade on every day that ${name} has, and on no other${traded ? '' : ' (skipped: no ../shared/data)'}`;
    test.skipIf(!traded)(title, () => {
      if (!traded) return;
      const expected: string[] = [];
      const last = parseDay(traded.at(-1)!)!;
      for (let day = parseDay(traded[0]!)!; day <= last; day++) {
        if (us.isTradingDay(day)) expected.push(dayText(day));
      }
      expect(traded.length).toBeGreaterThan(2000);
      expect(expected).toEqual(traded);
    });
  }

  // Days of the published calendars of the NYSE.
  test.each([
    ['1992-11-27', '19:00'],
    ['1997-12-26', '18:00'],
    ['2002-07-05', '17:00'],
    ['2013-07-03', '17:00'],
    ['2019-07-03', '17:00'],
    ['2020-11-27', '18:00'],
    ['2020-12-24', '18:00'],
    ['2024-07-03', '17:00'],
    ['2024-07-05', '20:00'],
    ['2026-11-27', '18:00'],
    ['2021-12-31', '21:00'],
  ])('on %s close at %s UTC', (date, close) => {
    const [session] = us.sessionsOn(parseDay(date)!);
    expect(session!.closeUs).toBe(at(`${date}T${close}:00Z`));
  });

  test.each([
    '2022-06-20',
    '2023-01-02',
    '2024-03-29',
    '2025-01-09',
    '2026-04-03',
    '2026-07-03',
    '2027-06-18',
    '2030-12-25',
  ])('are closed on %s', (date) => {
    expect(us.isTradingDay(parseDay(date)!)).toBe(false);
  });

  test('open at 09:30 of New York before and after the clocks change', () => {
    expect(us.sessionsOn(parseDay('2024-03-08')!)[0]!.openUs).toBe(at('2024-03-08T14:30:00Z'));
    expect(us.sessionsOn(parseDay('2024-03-11')!)[0]!.openUs).toBe(at('2024-03-11T13:30:00Z'));
    expect(us.at(at('2024-03-11T13:29:59.999Z'))).toBeNull();
    expect(us.at(at('2024-03-11T13:30:00Z'))?.day).toBe(parseDay('2024-03-11')!);
    expect(us.at(at('2024-03-11T20:00:00Z'))).toBeNull();
  });

  test('name the next session over a weekend with a holiday', () => {
    const next = us.next(at('2024-05-24T20:00:00Z'));
    expect(dayText(next!.day)).toBe('2024-05-28');
  });

  test('miss bars of sessions, and none over nights and holidays', () => {
    const hour = 60 * MINUTE_US;
    expect(us.missingBars(at('2024-05-24T19:59:00Z'), at('2024-05-28T13:30:00Z'), MINUTE_US)).toBe(0);
    expect(us.missingBars(at('2024-05-24T19:57:00Z'), at('2024-05-28T13:31:00Z'), MINUTE_US)).toBe(3);
    // Half past nine is the grid of the first bar, over the change of clocks as well.
    expect(us.missingBars(at('2024-03-08T20:30:00Z'), at('2024-03-11T13:30:00Z'), hour)).toBe(0);
    expect(us.missingBars(at('2024-03-08T19:30:00Z'), at('2024-03-11T14:30:00Z'), hour)).toBe(2);
    expect(us.missingBars(at('2024-05-24T00:00:00Z'), at('2024-05-28T00:00:00Z'), DAY_US)).toBe(0);
    expect(us.missingBars(at('2024-05-23T00:00:00Z'), at('2024-05-29T00:00:00Z'), DAY_US)).toBe(2);
    // Daily bars that are labelled with the open.
    expect(us.missingBars(at('2024-03-07T14:30:00Z'), at('2024-03-12T13:30:00Z'), DAY_US)).toBe(2);
    expect(us.missingBars(at('2024-05-06T00:00:00Z'), at('2024-05-28T00:00:00Z'), 7 * DAY_US)).toBe(2);
    expect([...us.barsBetween(at('2024-03-07T14:30:00Z'), at('2024-03-12T13:30:00Z'), DAY_US)]).toEqual([
      at('2024-03-08T14:30:00Z'),
      at('2024-03-11T13:30:00Z'),
    ]);
  });

  test('miss bars of a microsecond over years without counting them one by one', () => {
    const [from, to] = [at('2010-01-04T14:30:00Z'), at('2020-01-03T14:30:00Z')];
    const open = [...us.sessions(from, to)].filter((one) => one.openUs < to);
    const total = open.reduce((sum, one) => sum + one.closeUs - one.openUs, 0);
    expect(us.missingBars(from, to, 1)).toBe(total - 1);
  });
});

test('a first bar that begins with its session is the place that its open cuts', () => {
  // Hours of some sources: 09:30, 10:00, 11:00 and so on to 15:00.
  const hour = 60 * MINUTE_US;
  const missing = (next: string) => us.missingBars(at('2024-01-04T20:00:00Z'), at(next), hour);
  expect(missing('2024-01-05T14:30:00Z')).toBe(0);
  expect(missing('2024-01-05T15:00:00Z')).toBe(1);
  expect(missing('2024-01-05T16:00:00Z')).toBe(2);
  expect(us.missingBars(at('2024-01-05T14:30:00Z'), at('2024-01-05T15:00:00Z'), hour)).toBe(0);
});

describe('US equities with extended hours', () => {
  const extended = calendarById('us-equities-extended');
  const touches = (text: string, intervalUs = 1) =>
    extended.touchesExtendedHours(at(text), at(text) + intervalUs);

  test('have the sessions of the exchanges, and hours around them on trading days', () => {
    const [from, to] = [at('2024-01-01T00:00:00Z'), at('2025-01-01T00:00:00Z')];
    expect([...extended.sessions(from, to)]).toEqual([...us.sessions(from, to)]);
    // 04:00 and 20:00 of New York in winter and in summer.
    for (const day of ['2024-01-05T09:00:00Z', '2024-07-09T08:00:00Z']) {
      expect([touches(day), extended.touchesExtendedHours(at(day) - 1, at(day))]).toEqual([true, false]);
      const close = at(day) + 16 * 60 * MINUTE_US;
      expect([close - 1, close].map((us) => extended.touchesExtendedHours(us, us + 1))).toEqual([
        true,
        false,
      ]);
    }
    // A Sunday, Christmas, and the short day before it, with trades until 17:00.
    const closed = ['2024-01-07T15:00:00Z', '2024-12-25T15:00:00Z', '2024-12-24T22:00:00Z'];
    expect(closed.map((text) => touches(text))).toEqual([false, false, false]);
    expect(touches('2024-12-24T21:59:59Z')).toBe(true);
    // A bar that begins before them and reaches into them.
    expect(touches('2024-01-05T08:30:00Z', 60 * MINUTE_US)).toBe(true);
    expect(us.touchesExtendedHours(at('2024-01-05T13:00:00Z'), at('2024-01-05T14:00:00Z'))).toBe(false);
  });

  test('miss bars of sessions only', () => {
    // From Friday evening to Monday morning, over 15:59 and 09:30: bars outside of sessions are given, not missed.
    const missing = (from: string, to: string) => extended.missingBars(at(from), at(to), MINUTE_US);
    expect(missing('2024-01-05T21:00:00Z', '2024-01-08T14:29:00Z')).toBe(0);
    expect(missing('2024-01-05T20:58:00Z', '2024-01-08T14:31:00Z')).toBe(2);
  });
});

test('open time of two ranges that follow each other is that of both together', () => {
  const from = at('2024-03-04T00:00:00Z');
  const time = fc.integer({ min: 0, max: 20 * 24 * 60 }).map((minute) => from + minute * MINUTE_US);
  fc.assert(
    fc.property(fc.constantFrom('us-equities', 'fx', '24x7'), time, time, time, (id, ...times) => {
      const calendar = calendarById(id);
      const [a, b, c] = times.sort((x, y) => x - y) as [number, number, number];
      expect(calendar.openBetween(a, b) + calendar.openBetween(b, c)).toBe(calendar.openBetween(a, c));
    }),
    { numRuns: 60 },
  );
  expect(us.openBetween(at('2024-03-08T20:59:00Z'), at('2024-03-11T13:31:00Z'))).toBe(2 * MINUTE_US);
});

describe('foreign exchange', () => {
  test('opens on Sunday at 17:00 of New York and closes on Friday at 17:00', () => {
    expect(fx.isOpen(at('2020-01-05T21:59:59Z'))).toBe(false);
    expect(fx.at(at('2020-01-05T22:00:00Z'))?.day).toBe(parseDay('2020-01-06')!);
    expect(fx.at(at('2020-01-06T22:00:00Z'))?.day).toBe(parseDay('2020-01-07')!);
    expect(fx.isOpen(at('2020-01-10T21:59:59Z'))).toBe(true);
    expect(fx.isOpen(at('2020-01-10T22:00:00Z'))).toBe(false);
    expect(fx.isOpen(at('2020-01-11T12:00:00Z'))).toBe(false);
    // Asked on Saturday evening first: what is remembered of the closed time must end where Sunday opens.
    expect(fx.isOpen(at('2020-01-12T00:30:00Z'))).toBe(false);
    expect(fx.isOpen(at('2020-01-12T22:00:00Z'))).toBe(true);
  });

  test('misses no bar over a weekend', () => {
    expect(fx.missingBars(at('2020-01-10T21:55:00Z'), at('2020-01-12T22:00:00Z'), 5 * MINUTE_US)).toBe(0);
    expect(fx.missingBars(at('2020-01-10T21:50:00Z'), at('2020-01-12T22:05:00Z'), 5 * MINUTE_US)).toBe(2);
  });
});

test('crypto is always open, its days are those of UTC', () => {
  expect(crypto.at(at('2024-02-29T23:59:59.999Z'))?.day).toBe(parseDay('2024-02-29')!);
  expect(crypto.missingBars(0, 10 * MINUTE_US, 5 * MINUTE_US)).toBe(1);
  expect(crypto.missingBars(0, 5 * MINUTE_US + 1, 5 * MINUTE_US)).toBe(1);
});

test('answers do not depend on what was asked before', () => {
  const from = at('2024-03-01T00:00:00Z');
  const times = fc.array(fc.integer({ min: 0, max: 40 * 24 * 60 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom('us-equities', 'fx', '24x7'), times, (id, minutes) => {
      for (const minute of minutes) {
        const time = from + minute * MINUTE_US;
        const calendar = calendarById(id);
        const found = calendar.at(time);
        const listed = [...calendar.sessions(time, time)].find((s) => s.openUs <= time && time < s.closeUs);
        expect(found).toEqual(listed ?? null);
      }
    }),
    { numRuns: 60 },
  );
});

test('bars between two are those that a count says, all in sessions and in order', () => {
  const from = at('2024-03-04T00:00:00Z');
  const minutes = fc.integer({ min: 0, max: 20 * 24 * 60 });
  fc.assert(
    fc.property(
      fc.constantFrom('us-equities', 'fx'),
      minutes,
      minutes,
      fc.constantFrom(1, 5, 30, 60),
      (id, a, b, step) => {
        const calendar = calendarById(id);
        const [first, second] = [from + Math.min(a, b) * MINUTE_US, from + Math.max(a, b) * MINUTE_US];
        const bars = [...calendar.barsBetween(first, second, step * MINUTE_US)];
        if (second > first + step * MINUTE_US) {
          expect(calendar.missingBars(first, second, step * MINUTE_US)).toBe(bars.length);
        }
        for (const [index, bar] of bars.entries()) {
          expect(calendar.hasBar(bar, step * MINUTE_US)).toBe(true);
          if (index > 0) expect(bar).toBeGreaterThan(bars[index - 1]!);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('wall-clock times that clocks skip or repeat have one meaning each', () => {
  const zone = new Zone('America/New_York');
  const spring = parseDay('2024-03-10')!;
  const autumn = parseDay('2024-11-03')!;
  expect(zone.utc(spring, 3 * 60)).toBe(at('2024-03-10T07:00:00Z'));
  expect([at('2024-03-10T06:30:00Z'), at('2024-03-10T07:30:00Z')]).toContain(zone.utc(spring, 150));
  expect([at('2024-11-03T05:30:00Z'), at('2024-11-03T06:30:00Z')]).toContain(zone.utc(autumn, 90));
  expect(weekday(dayOf(2024, 2, 29))).toBe(4);
  expect(parseDay('2023-02-29')).toBeNull();
});

describe('a calendar of a user', () => {
  const tokyo: CalendarInput = {
    id: 'tokyo',
    zone: 'Asia/Tokyo',
    sessions: [
      { days: [1, 2, 3, 4, 5], open: '09:00', close: '11:30' },
      { days: [1, 2, 3, 4, 5], open: '12:30', close: '15:00' },
    ],
    holidays: ['2024-01-01'],
    short_days: { '2024-01-04': '11:30' },
  };

  test('has breaks, holidays and short days', () => {
    const calendar = calendarOf(tokyo);
    expect(calendar.isOpen(at('2024-01-05T01:00:00Z'))).toBe(true);
    expect(calendar.isOpen(at('2024-01-05T03:00:00Z'))).toBe(false);
    expect(calendar.isOpen(at('2024-01-05T03:30:00Z'))).toBe(true);
    expect(calendar.isTradingDay(parseDay('2024-01-01')!)).toBe(false);
    expect(calendar.sessionsOn(parseDay('2024-01-04')!)).toHaveLength(1);
  });

  test.each<[string, CalendarInput, string]>([
    ['an unknown zone', { ...tokyo, zone: 'Asia/Atlantis' }, '/zone'],
    ['a time that is none', { ...tokyo, short_days: { '2024-01-04': '25:00' } }, '/short_days/2024-01-04'],
    ['a date that does not exist', { ...tokyo, holidays: ['2023-02-29'] }, '/holidays/0'],
    [
      'a close before its open',
      { ...tokyo, sessions: [{ days: [1], open: '15:00', close: '09:00' }] },
      '/sessions/0',
    ],
    [
      'sessions that overlap over midnight',
      {
        ...tokyo,
        sessions: [
          { days: [0], open: '20:00', close: '24:00' },
          { days: [1], open: '23:00', close: '05:00', opens_the_day_before: true },
        ],
      },
      '/sessions/1',
    ],
  ])('with %s is refused', (_, input, pointer) => {
    let refused: unknown;
    try {
      calendarOf(input);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(InvalidOptionError);
    expect((refused as InvalidOptionError).extras.errors![0]!.pointer).toBe(pointer);
  });

  test('unknown ids of calendars are refused', () => {
    expect(() => calendarById('mars')).toThrow(InvalidOptionError);
  });
});
