// The join by event time: completeness, lateness, order, bounds.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { EventTimeJoin, type Joined, type Partners } from './event-time-join.ts';

const BOTH: Partners = { features: true, prediction: true };

function joinOf(waits: Partners = BOTH) {
  const out: Joined<string, string, string>[] = [];
  const join = new EventTimeJoin<string, string, string>(waits, (joined) => out.push({ ...joined }));
  return { join, out };
}

describe('a bar with its partners', () => {
  test('is handed on once, when the last of the three has come, in any order of arrival', () => {
    const takes = ['onBar', 'onFeatures', 'onPrediction'] as const;
    const orders = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ];
    for (const order of orders) {
      const { join, out } = joinOf();
      for (const [i, k] of order.entries()) {
        expect(out).toHaveLength(0);
        join[takes[k]!]('A', 5, `${takes[k]} ${i}`);
      }
      expect(out).toHaveLength(1);
      expect(out[0]).toMatchObject({ tsEventUs: 5, bar: expect.stringMatching('onBar') });
      expect(out[0]!.features).toStartWith('onFeatures');
      expect(out[0]!.prediction).toStartWith('onPrediction');
      expect(join.counts).toEqual({ bars: 1, late_inputs: 0, dropped_partners: 0, stale_bars: 0 });
    }
  });
  test('does not wait for a partner that takes no part', () => {
    const { join, out } = joinOf({ features: true, prediction: false });
    join.onBar('A', 1, 'bar');
    join.onFeatures('A', 1, 'features');
    expect(out).toEqual([{ tsEventUs: 1, bar: 'bar', features: 'features', prediction: null }]);
    const alone = joinOf({ features: false, prediction: false });
    alone.join.onBar('A', 1, 'bar');
    expect(alone.out).toHaveLength(1);
  });
  test('keeps symbols apart', () => {
    const { join, out } = joinOf();
    join.onBar('A', 1, 'a');
    join.onBar('B', 1, 'b');
    join.onFeatures('A', 1, 'fa');
    join.onPrediction('B', 1, 'pb');
    expect(out).toHaveLength(0);
    join.onPrediction('A', 1, 'pa');
    expect(out).toEqual([{ tsEventUs: 1, bar: 'a', features: 'fa', prediction: 'pa' }]);
    expect([join.newest('A'), join.newest('B'), join.newest('C')]).toEqual(['a', 'b', undefined]);
  });
});

describe('lateness', () => {
  test('a bar without its partners goes on with what there is when the next one comes, and is counted', () => {
    const { join, out } = joinOf();
    join.onBar('A', 1, 'first');
    join.onFeatures('A', 1, 'f1');
    join.onBar('A', 2, 'second');
    expect(out).toEqual([{ tsEventUs: 1, bar: 'first', features: 'f1', prediction: null }]);
    join.onPrediction('A', 1, 'too late');
    expect(join.counts).toEqual({ bars: 1, late_inputs: 1, dropped_partners: 1, stale_bars: 0 });
    join.onPrediction('A', 2, 'p2');
    join.onFeatures('A', 2, 'f2');
    expect(out[1]).toEqual({ tsEventUs: 2, bar: 'second', features: 'f2', prediction: 'p2' });
  });
  test('a bar that is not later than the newest is dropped and counted', () => {
    const { join, out } = joinOf({ features: false, prediction: false });
    join.onBar('A', 2, 'second');
    join.onBar('A', 2, 'again');
    join.onBar('A', 1, 'old');
    expect(out.map((o) => o.bar)).toEqual(['second']);
    expect(join.counts.stale_bars).toBe(2);
  });
  test('partners of bars that never come are forgotten: oldest first, at most 16 for a symbol', () => {
    const { join, out } = joinOf();
    for (let t = 1; t <= 20; t++) join.onFeatures('A', t, `f${t}`);
    expect(join.counts.dropped_partners).toBe(4);
    join.onBar('A', 18, 'bar');
    expect(join.counts.dropped_partners).toBe(17);
    join.onPrediction('A', 18, 'p');
    expect(out).toEqual([{ tsEventUs: 18, bar: 'bar', features: 'f18', prediction: 'p' }]);
  });
});

test('whatever the order of arrival, bars leave once each, in event time, with their own partners only', () => {
  const message = fc.record({ kind: fc.constantFrom('bar', 'features', 'prediction'), t: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 120 }), (messages) => {
      const { join, out } = joinOf();
      for (const { kind, t } of messages) {
        if (kind === 'bar') join.onBar('A', t, `bar ${t}`);
        else if (kind === 'features') join.onFeatures('A', t, `features ${t}`);
        else join.onPrediction('A', t, `prediction ${t}`);
      }
      for (const [i, { tsEventUs: t, bar, features, prediction }] of out.entries()) {
        expect(bar).toBe(`bar ${t}`);
        expect([`features ${t}`, null]).toContain(features);
        expect([`prediction ${t}`, null]).toContain(prediction);
        if (i > 0) expect(t).toBeGreaterThan(out[i - 1]!.tsEventUs);
      }
    }),
  );
});
