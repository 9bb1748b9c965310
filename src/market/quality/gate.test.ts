// What a gate remembers over a restart, and the score of what it counted.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FLAGS } from '../flags.ts';
import { calendarById } from '../sessions/calendars.ts';
import { MINUTE_US } from '../sessions/days.ts';
import { CHECKS } from './checks/index.ts';
import { type GateOptions, SeriesGate } from './gate.ts';
import { scoreOf } from './score.ts';
import { bar, quote, START_US, trade } from './test-records.ts';

describe('the memory of a gate', () => {
  const record = fc.record({
    sequence: fc.integer({ min: 1, max: 40 }),
    tsEventUs: fc.integer({ min: START_US, max: START_US + 50 }),
    bid: fc.integer({ min: 90, max: 140 }),
    way: fc.integer({ min: -300_000, max: 300_000 }),
  });
  const series = fc.array(record, { maxLength: 60 }).map((all) =>
    all.map(({ sequence, tsEventUs, bid, way }) => {
      return quote({ sequence, tsEventUs, tsReceiveUs: tsEventUs + way, bid, ask: bid + 1 });
    }),
  );
  const options: GateOptions = {
    kind: 'quote',
    sequence: 'contiguous',
    parameters: {
      duplicate: { window: 4 },
      outlier: { warmup: 4, window: 8, floor: 0 },
      stale: { repeats: 1 },
      clock_offset: { warmup: 2, window: 3 },
      out_of_order: { restart: 2 },
    },
  };

  test('finds what came before within its window, whatever numbers begin anew', () => {
    const one = fc.record({ sequence: fc.nat(12), bid: fc.integer({ min: 100, max: 101 }) });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (told, window) => {
        const gate = new SeriesGate({
          kind: 'quote',
          sequence: 'connection',
          parameters: { duplicate: { window } },
        });
        const kept: string[] = [];
        for (const [i, given] of told.entries()) {
          const key = `${given.sequence} ${given.bid}`;
          const known = kept.slice(-window).includes(key);
          const flags = gate.check(quote({ ...given, ask: 200, tsEventUs: START_US + i }));
          expect((flags & FLAGS.duplicate.bit) !== 0).toBe(known);
          if (!known) kept.push(key);
        }
      }),
    );
  });

  test('makes a run that was saved and restored equal to one that was not', () => {
    fc.assert(
      fc.property(series, fc.nat(60), (records, cut) => {
        const whole = new SeriesGate(options);
        const expected = records.map((one) => whole.check(one));
        const before = new SeriesGate(options);
        const flags = records.slice(0, cut).map((one) => before.check(one));
        const after = new SeriesGate(options, JSON.parse(JSON.stringify(before.save())));
        expect(after.restored).toBe(true);
        flags.push(...records.slice(cut).map((one) => after.check(one)));
        expect(flags).toEqual(expected);
        expect(after.report(START_US)).toEqual(whole.report(START_US));
        expect(JSON.stringify(after.save())).toBe(JSON.stringify(whole.save()));
      }),
      { numRuns: 60 },
    );
  });

  test('keeps bars of different lengths apart, over a restart as well', () => {
    const bars = Array.from({ length: 240 }, (_, i) => [
      bar({ tsEventUs: START_US + i * MINUTE_US, volume: i + 1 }),
      ...(i % 60 === 59
        ? [bar({ tsEventUs: START_US + (i - 59) * MINUTE_US, interval: 60 * MINUTE_US })]
        : []),
    ]).flat();
    const calendar = calendarById('24x7');
    let gate = new SeriesGate({ kind: 'bar', calendar });
    const flags = bars.map((one, i) => {
      if (i % 50 === 49)
        gate = new SeriesGate({ kind: 'bar', calendar }, JSON.parse(JSON.stringify(gate.save())));
      return gate.check(one);
    });
    expect(flags.filter((bits) => bits !== 0)).toEqual([]);
    expect(gate.report(START_US)).toMatchObject({ records: 244, missing: 0, score: 1 });
  });

  test('is bounded', () => {
    const gate = new SeriesGate({ kind: 'trade' });
    let size = 0;
    for (let i = 0; i < 6000; i++) {
      gate.check(trade({ id: `id-${1000 + (i % 5000)}`, sequence: i, price: 1000 + (i % 7) }));
      if (i === 3000) size = JSON.stringify(gate.save()).length;
    }
    expect(JSON.stringify(gate.save()).length).toBeLessThan(size * 1.1);
  });

  test('of other parameters is not gone on from', () => {
    const saved = new SeriesGate(options).save();
    expect(new SeriesGate({ kind: 'quote' }, saved).restored).toBe(false);
    expect(new SeriesGate({ ...options, kind: 'trade' }, saved).restored).toBe(false);
  });
});

describe('the score', () => {
  test('is 1 without faults, null without records, and follows its formula', () => {
    expect(new SeriesGate({ kind: 'trade' }).report(0).score).toBeNull();
    const gate = new SeriesGate({ kind: 'trade' });
    gate.check(trade({}));
    expect(gate.report(START_US).score).toBe(1);
    const counts = { records: 100, flagged: 3, quarantined: 2, missing: 25, late: 0, restarts: 0 };
    const report = scoreOf({ ...counts, firstUs: 0, lastUs: 1, flags: { crossed: 2, locked: 1 } });
    // Coverage 100 / 125; crossed weighs 5, locked 0.2.
    expect(report.score).toBeCloseTo(0.8 * 0.9 * 0.998, 12);
    expect(report.reasons.map(({ reason }) => reason)).toEqual(['coverage', 'crossed', 'locked']);
  });

  test('is within [0, 1], and falls with each kind of fault that has a weight', () => {
    const flag = fc.constantFrom(...CHECKS.map((check) => check.flag));
    fc.assert(
      fc.property(flag, fc.integer({ min: 1, max: 100 }), fc.nat(1000), (name, count, missing) => {
        const counts = { records: 100, flagged: count, quarantined: 0, late: 0, restarts: 0 };
        const times = { firstUs: null, lastUs: null };
        const with_ = scoreOf({ ...counts, ...times, missing, flags: { [name]: count } }).score!;
        const without = scoreOf({ ...counts, ...times, missing, flags: {} }).score!;
        expect(with_).toBeGreaterThanOrEqual(0);
        expect(without).toBeLessThanOrEqual(1);
        if (name === 'gap' || name === 'duplicate') return;
        expect(with_).toBeLessThan(without);
      }),
      { numRuns: 60 },
    );
  });
});
