// Bounded series against the plain lists that they stand for.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { walkBars } from '../../../test/support/engine.ts';
import { BarRing, ThinnedCurve } from './series.ts';

describe('bar ring', () => {
  const bars = walkBars('X', 50).map((bar) => ({ ...bar, source: 'replay' }));

  test('keeps the newest bars, oldest first, whatever its capacity', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 50 }), (capacity, count) => {
        const ring = new BarRing(capacity);
        for (const bar of bars.slice(0, count)) ring.push(bar);
        const expected = bars.slice(0, count).slice(-capacity);
        const columns = ring.columns(1000);
        expect(columns.close).toEqual(expected.map((b) => b.close));
        expect(columns.ts_us).toEqual(expected.map((b) => b.ts_event_us));
        expect(ring.columns(3).volume).toEqual(expected.slice(-3).map((b) => b.volume));
      }),
    );
  });

  test('replaces a bar that comes again with the same time', () => {
    const ring = new BarRing(10);
    ring.push(bars[0]!);
    ring.push(bars[1]!);
    ring.push({ ...bars[1]!, close: 1 });
    expect(ring.columns(10).close).toEqual([bars[0]!.close, 1]);
  });

  test('begins again when time goes back', () => {
    const ring = new BarRing(10);
    for (const bar of bars.slice(5)) ring.push(bar);
    ring.push(bars[2]!);
    expect(ring.columns(10).ts_us).toEqual([bars[2]!.ts_event_us]);
  });
});

describe('thinned curve', () => {
  test('stays within its capacity, keeps the first and newest points and never invents one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.constantFrom(4, 10, 600), (count, capacity) => {
        const curve = new ThinnedCurve<number>(capacity);
        for (let i = 0; i < count; i++) curve.push(i, i * 2);
        const { at, values } = curve.points();
        expect(at.length).toBeLessThanOrEqual(capacity);
        if (count > capacity) expect(at.length).toBeGreaterThanOrEqual(capacity / 2);
        else expect(at.length).toBe(count);
        if (count > 0) expect([at[0], at.at(-1)]).toEqual([0, count - 1]);
        expect(values).toEqual(at.map((t) => t * 2));
        expect(at).toEqual([...at].sort((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });

  test('replaces a point of the same time and ignores an older one', () => {
    const curve = new ThinnedCurve<number>(4);
    curve.push(10, 1);
    curve.push(10, 2);
    curve.push(5, 3);
    expect(curve.points()).toEqual({ at: [10], values: [2], stride: 1 });
  });
});
