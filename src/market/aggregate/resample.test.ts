// Longer bars of shorter ones: what is joined, by the epoch and by sessions.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../core/errors.ts';
import { bar, START_US } from '../quality/test-records.ts';
import { calendarById } from '../sessions/calendars.ts';
import { DAY_US, MINUTE_US } from '../sessions/days.ts';
import { resample } from './resample.ts';

const at = (text: string) => Date.parse(text) * 1000;
const us = calendarById('us-equities');

describe('longer bars of bars', () => {
  const minuteBars = (count: number) =>
    Array.from({ length: count }, (_, i) => {
      const close = 100 + ((i * 7) % 11);
      const prices = { open: 100, close, high: Math.max(100, close), low: Math.min(100, close) };
      return bar({
        tsEventUs: START_US + i * MINUTE_US,
        ...prices,
        volume: i,
        trades: 1,
        flags: i === 3 ? 8 : 0,
      });
    });

  test('join what lies in them', () => {
    const { bars, counts } = resample(minuteBars(7), { interval: 5 * MINUTE_US });
    expect(counts).toEqual({ bars: 7, late: 0, outside: 0 });
    expect(bars).toHaveLength(2);
    expect(bars[0]).toMatchObject({ open: 100, close: 106, high: 110, volume: 10, trades: 5, flags: 8 });
    // Of the last one that was received, which has no finer text of its time.
    const [early, late] = minuteBars(2).map((one, i) => ({ ...one, tsReceiveUs: i }));
    const [both] = resample([{ ...early!, tsReceiveText: 'early' }, late!], { interval: 5 * MINUTE_US }).bars;
    expect([both!.tsReceiveUs, both!.tsReceiveText]).toEqual([1, undefined]);
    expect(bars[1]).toMatchObject({
      tsEventUs: START_US + 5 * MINUTE_US,
      volume: 11,
      interval: 5 * MINUTE_US,
    });
  });

  test('of sessions are one for each day', () => {
    const open = at('2024-07-03T13:30:00Z');
    const day = Array.from({ length: 240 }, (_, i) => bar({ tsEventUs: open + (i - 15) * MINUTE_US }));
    const { bars, counts } = resample(day, { interval: DAY_US, align: 'session', calendar: us });
    expect(bars.map(({ tsEventUs }) => tsEventUs)).toEqual([open]);
    // The exchange closes at 13:00 on the eve of the holiday: 210 minutes.
    expect(counts).toEqual({ bars: 210, late: 0, outside: 30 });
  });

  test('of weeks of foreign exchange begin with the evening of Sunday', () => {
    const hours = Array.from({ length: 8 * 24 }, (_, i) =>
      bar({ tsEventUs: at('2024-07-05T20:00:00Z') + i * 60 * MINUTE_US, interval: 60 * MINUTE_US }),
    );
    const options = { interval: 7 * DAY_US, align: 'session', calendar: calendarById('fx') } as const;
    const { bars, counts } = resample(hours, options);
    expect(bars.map(({ tsEventUs }) => tsEventUs)).toEqual([at('2024-07-01'), at('2024-07-08')]);
    // One hour to the close of Friday; five days from Sunday 21:00 UTC.
    expect(bars.map(({ volume }) => volume / 10)).toEqual([1, 120]);
    expect(counts).toEqual({ bars: 121, late: 0, outside: 71 });
  });

  test('of daily bars go by trading days', () => {
    const days = Array.from({ length: 14 }, (_, i) =>
      bar({ tsEventUs: at('2024-07-01') + i * DAY_US, interval: DAY_US }),
    );
    const { bars, counts } = resample(days, { interval: 7 * DAY_US, align: 'session', calendar: us });
    expect(bars.map(({ tsEventUs }) => tsEventUs)).toEqual([at('2024-07-01'), at('2024-07-08')]);
    // Without the 4th of July and two weekends.
    expect(counts).toEqual({ bars: 9, late: 0, outside: 5 });
  });

  test('must be multiples', () => {
    expect(() => resample(minuteBars(2), { interval: 90e6 })).toThrow(InvalidOptionError);
    expect(() => resample([], { interval: 0 })).toThrow(InvalidOptionError);
  });

  test('of longer ones are the same as at once', () => {
    const noise = fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 80 });
    fc.assert(
      fc.property(noise, (prices) => {
        const bars = prices.map((price, i) =>
          bar({
            tsEventUs: START_US + i * MINUTE_US,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: price,
          }),
        );
        const halfWay = resample(bars, { interval: 5 * MINUTE_US }).bars;
        const twice = resample(halfWay, { interval: 30 * MINUTE_US }).bars;
        expect(twice).toEqual(resample(bars, { interval: 30 * MINUTE_US }).bars);
      }),
      { numRuns: 40 },
    );
  });
});
