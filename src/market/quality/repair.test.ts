// The repaired view: order, duplicates, quarantine, gaps, and that a repaired series repairs to itself.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FLAGS } from '../flags.ts';
import type { MarketKind, MarketRecord } from '../records.ts';
import { calendarById } from '../sessions/calendars.ts';
import { MINUTE_US } from '../sessions/days.ts';
import { SeriesGate } from './gate.ts';
import { repair } from './repair.ts';
import { minuteBar, START_US, trade } from './test-records.ts';

const crypto = calendarById('24x7');

describe('the repaired view', () => {
  const kinds: MarketKind[] = ['bar', 'trade'];
  const series = fc.array(
    fc.record({ at: fc.nat(40), price: fc.integer({ min: 90, max: 110 }), volume: fc.nat(3) }),
    { maxLength: 50 },
  );
  const made = (kind: MarketKind, all: { at: number; price: number; volume: number }[]) =>
    all.map(({ at: index, price, volume }) =>
      kind === 'bar'
        ? { ...minuteBar(index, price), volume }
        : trade({ tsEventUs: START_US + index, sequence: index, id: `${index}`, price, size: volume }),
    );

  test('is in order, without duplicates and quarantine, and repairs to itself', () => {
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.constantFrom('mark', 'fill'), series, (kind, gaps, all) => {
        const gate = new SeriesGate({ kind, calendar: crypto });
        const records: MarketRecord[] = made(kind, all).map((one) => ({ ...one, flags: gate.check(one) }));
        const raw = structuredClone(records);
        const options = { calendar: crypto, gaps } as const;
        const first = repair(records, options);
        expect(records).toEqual(raw);
        for (const [i, one] of first.records.entries()) {
          expect(one.flags & FLAGS.out_of_order.bit).toBe(0);
          if (i > 0) expect(one.tsEventUs).toBeGreaterThanOrEqual(first.records[i - 1]!.tsEventUs);
          if (i > 0 && kind === 'bar' && gaps === 'fill') {
            expect(one.tsEventUs - first.records[i - 1]!.tsEventUs).toBe(MINUTE_US);
          }
        }
        const { read, quarantined, duplicates, revised, filled } = first.counts;
        expect(first.records.length).toBe(read - quarantined - duplicates - revised + filled);
        const second = repair(first.records, options);
        expect(second.records).toEqual(first.records);
        expect(second.counts).toMatchObject({ quarantined: 0, duplicates: 0, reordered: 0, filled: 0 });
      }),
      { numRuns: 100 },
    );
  });

  test('fills gaps with flat bars that say so', () => {
    const { records, counts } = repair([minuteBar(0, 100), minuteBar(3, 101)], {
      calendar: crypto,
      gaps: 'fill',
    });
    expect(counts.filled).toBe(2);
    expect(records[1]).toMatchObject({ open: 100, close: 100, volume: 0, flags: FLAGS.filled.bit });
    expect(records[2]!.tsEventUs - records[1]!.tsEventUs).toBe(MINUTE_US);
  });

  test('drops and counts what comes later than its window waits', () => {
    const prices = [minuteBar(0, 1), minuteBar(1, 1), minuteBar(2, 1), minuteBar(3, 1), minuteBar(0, 2)];
    const { records, counts } = repair(prices, { window: 2 });
    expect(records).toHaveLength(4);
    expect(counts.too_late).toBe(1);
  });

  test('has one bar of a time, also where another one comes after the first has left', () => {
    const prices = [minuteBar(0, 1), minuteBar(1, 1), minuteBar(0, 2), minuteBar(2, 1)];
    const { records, counts } = repair(prices, { window: 1 });
    expect(records.map((one) => one.tsEventUs)).toEqual(
      [0, 1, 2].map((index) => START_US + index * MINUTE_US),
    );
    expect(counts.too_late).toBe(1);
  });
});
