// Detectors on streams against river; restarts in the middle; false alarms at their stated rate.
import { describe, expect, test } from 'bun:test';
import { InvalidOptionError, NonFiniteInputError } from '../../core/errors.ts';
import { Adwin } from './adwin.ts';
import { Ddm } from './ddm.ts';
import golden from './golden.json';
import { PageHinkley } from './page-hinkley.ts';
import { uniformStream } from './test-streams.ts';
import type { StreamDetector } from './types.ts';

const detectionsOf = (detector: StreamDetector, values: readonly number[]) =>
  values.flatMap((value, i) => (detector.update(value).drift ? [i] : []));
const errors = Array.from(golden.errors, Number);

describe('ADWIN', () => {
  for (const { options, ...expected } of golden.adwin) {
    test(`cuts where river does, with ${JSON.stringify(options)}`, () => {
      const detector = new Adwin({
        delta: options.delta,
        clock: options.clock,
        maxBuckets: options.max_buckets,
        minWindow: options.min_window_length,
        grace: options.grace_period,
      });
      expect(detectionsOf(detector, golden.stream)).toEqual(expected.detections);
      expect(detector.width).toBe(expected.width);
      expect(detector.mean * detector.width).toBeCloseTo(expected.total, 9);
      expect(detector.toJSON().squares).toBeCloseTo(expected.variance, 9);
    });
  }

  test('keeps a number of buckets that grows with the logarithm of its window', () => {
    const detector = new Adwin();
    const random = uniformStream(3);
    for (let i = 0; i < 20_000; i++) detector.update(random());
    expect(detector.toJSON().rows.flat().length).toBeLessThanOrEqual(6 * (Math.log2(20_000) + 1));
  });

  test('alarms on a stream that stays the same no more often than delta allows, and always on one that jumps', () => {
    // delta bounds the chance of each check; 20 streams have 31 checks each. The bound of 4.7 deviations of the binomial
    // distribution leaves about one in a million.
    const [streams, values] = [20, 1000];
    let alarms = 0;
    let found = 0;
    for (let seed = 1; seed <= streams; seed++) {
      const random = uniformStream(seed);
      const detector = new Adwin({ delta: 0.05 });
      alarms += detectionsOf(
        detector,
        Array.from({ length: values }, () => (random() < 0.3 ? 1 : 0)),
      ).length;
      const jump = detectionsOf(
        detector,
        Array.from({ length: 200 }, () => (random() < 0.8 ? 1 : 0)),
      );
      found += jump.length > 0 ? 1 : 0;
    }
    const checks = streams * Math.floor(values / 32);
    expect(alarms).toBeLessThanOrEqual(checks * 0.05 + 4.7 * Math.sqrt(checks * 0.05 * 0.95));
    expect(found).toBe(streams);
  });
});

test('Page-Hinkley alarms where river does', () => {
  for (const { options, detections } of golden.page_hinkley) {
    const { alpha, ...rest } = options as {
      threshold: number;
      delta?: number;
      alpha?: number;
      mode?: 'up' | 'down';
    };
    const detector = new PageHinkley({ ...rest, ...(alpha === undefined ? {} : { forgetting: alpha }) });
    expect(detectionsOf(detector, golden.stream)).toEqual(detections);
  }
});

test('DDM warns and alarms where river does', () => {
  const detector = new Ddm();
  const verdicts = errors.map((error) => detector.update(error));
  const where = (name: 'drift' | 'warning') => verdicts.flatMap((verdict, i) => (verdict[name] ? [i] : []));
  expect(where('drift')).toEqual(golden.ddm.drifts);
  expect(where('warning')).toEqual(golden.ddm.warnings);
});

describe('every detector', () => {
  const kinds = [
    ['ADWIN', () => new Adwin(), Adwin.fromJSON, golden.stream],
    ['Page-Hinkley', () => new PageHinkley({ threshold: 5 }), PageHinkley.fromJSON, golden.stream],
    ['DDM', () => new Ddm(), Ddm.fromJSON, errors],
  ] as const;
  for (const [name, make, restored, values] of kinds) {
    test(`${name} goes on after a restart as if there had been none`, () => {
      const whole = make();
      let restarted: StreamDetector = make();
      for (const [i, value] of values.entries()) {
        if (i % 97 === 0) restarted = restored(JSON.parse(JSON.stringify(restarted)));
        expect(restarted.update(value)).toEqual(whole.update(value));
      }
      expect(restarted.toJSON()).toEqual(whole.toJSON());
    });

    test(`${name} refuses states and values that are none, and does not change by them`, () => {
      for (const bad of [
        null,
        {},
        { detector: 'other' },
        { ...(make().toJSON() as object), options: { delta: -1, minValues: -1 } },
      ])
        expect(() => restored(bad)).toThrow(InvalidOptionError);
      const detector = make();
      const before = detector.toJSON();
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        let refused: unknown;
        try {
          detector.update(bad);
        } catch (error) {
          refused = error;
        }
        expect(refused instanceof NonFiniteInputError || refused instanceof InvalidOptionError).toBe(true);
      }
      expect(detector.toJSON()).toEqual(before);
    });
  }
});
