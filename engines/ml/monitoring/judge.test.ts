// Verdicts on losses and latencies: false alarms stay at their nominal rate, real changes are found, few rows have none.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Philox } from '../../../src/core/philox.ts';
import { compare, judgeLatency, judgeLosses } from './judge.ts';
import { Latencies } from './latency.ts';
import { accuracyBaseline, baselineOf, majorityP, NO_LOSSES, withLoss, worseP } from './losses.ts';
import { chunkOf } from './rows.ts';
import { driftOptions } from './schemas.ts';
import { sketchOf } from './window.ts';

const LIMITS = { accuracy_drift: 0.05, latency_drift: 2, significance: 0.05 };
const from = { from: 'test_rows' as const };
const tallyOf = (losses: Iterable<number>) => [...losses].reduce(withLoss, NO_LOSSES);
const RUNS = 1000;
/** Most of `RUNS` that a rate of 5% gives: mean and four standard deviations of the binomial distribution. */
const MOST = 0.05 * RUNS + 4 * Math.sqrt(0.05 * 0.95 * RUNS);

describe('the tests', () => {
  // To 1e-9: the normal distribution is calculated to about 1e-12.
  test('give the tails of SciPy', () => {
    // norm.sf(0.2 / sqrt(0.5 * 0.5 * (1 / 100 + 1 / 100))): pooled share 0.5.
    const baseline = { mean: 0.4, variance: 0.24, rows: 100 };
    const worse = tallyOf(Array.from({ length: 100 }, (_, i) => Number(i < 60)));
    expect(worseP(baseline, worse, true)).toBeCloseTo(0.002338867490523633, 9);
    // norm.sf(1.9): (60 - 0.5 - 50) / 5 with the continuity correction.
    expect(majorityP(60, 100)).toBeCloseTo(0.02871655981600174, 9);
  });

  test('what never varies is certain', () => {
    const sure = { mean: 0, variance: 0, rows: 50 };
    expect(worseP(sure, tallyOf(Array(40).fill(0)), true)).toBe(1);
    expect(worseP(sure, tallyOf(Array(40).fill(2)), false)).toBe(0);
  });

  test('tallies are the mean and the variance, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 2, maxLength: 50 }),
        (losses) => {
          const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
          const variance = losses.reduce((sum, loss) => sum + (loss - mean) ** 2, 0) / (losses.length - 1);
          const made = baselineOf(tallyOf(losses));
          expect(Math.abs(made.mean - mean)).toBeLessThan(1e-9);
          expect(Math.abs(made.variance - variance)).toBeLessThan(1e-6);
        },
      ),
    );
  });
});

describe('a verdict on accuracy', () => {
  const verdicts = (truth: number, rows: number, baselineRows: number, limits = LIMITS) => {
    const random = new Philox(11).fillUniform(new Float64Array(RUNS * (rows + baselineRows)));
    let alarms = 0;
    let at = 0;
    const losses = (count: number, wrong: number) => {
      at += count;
      return tallyOf(random.subarray(at - count, at).map((u) => Number(u < wrong)));
    };
    for (let run = 0; run < RUNS; run++) {
      const before = { ...baselineOf(losses(baselineRows, 0.45)), ...from };
      if (judgeLosses(before, losses(rows, truth), true, limits).drifted) alarms++;
    }
    return alarms;
  };

  test('raises no more false alarms than its level, with the size of the fall or without', () => {
    expect(verdicts(0.45, 100, 300, { ...LIMITS, accuracy_drift: 1e-9 })).toBeLessThan(MOST);
    expect(verdicts(0.45, 100, 300)).toBeLessThan(MOST);
    // By the size alone every sixth verdict on 100 outcomes would be one.
    expect(verdicts(0.45, 100, 300, { ...LIMITS, significance: 1 })).toBeGreaterThan(0.1 * RUNS);
  });

  test('finds a fall of 15 points nearly always in 500 outcomes', () => {
    expect(verdicts(0.6, 500, 1000)).toBeGreaterThan(0.98 * RUNS);
  });

  test('few outcomes and no baseline have none', () => {
    const wrong = tallyOf(Array(29).fill(1));
    const before = { ...accuracyBaseline(0.9, null), ...from };
    expect(judgeLosses(before, wrong, true, LIMITS)).toMatchObject({
      drifted: false,
      reason: 'too_few_rows',
    });
    expect(judgeLosses(null, withLoss(wrong, 1), true, LIMITS).reason).toBe('no_baseline');
    expect(judgeLosses(before, withLoss(wrong, 1), true, LIMITS)).toMatchObject({
      drifted: true,
      current: 0,
    });
  });

  test('errors of a regression count as a share of what they were', () => {
    const before = { mean: 2, variance: 0.01, rows: 100, ...from };
    const now = tallyOf(Array.from({ length: 50 }, (_, i) => 2.2 + 0.1 * (i % 2)));
    const verdict = judgeLosses(before, now, false, LIMITS);
    expect(verdict).toMatchObject({ score: 'mean_absolute_error', drifted: true });
    expect(verdict.drift).toBeCloseTo(0.125, 9);
  });
});

describe('a verdict on inputs', () => {
  const COLUMNS = ['a', 'b', 'c', 'd', 'e'];
  const WINDOWS = 150;
  const alarms = (threshold: number, shift: number) => {
    const random = new Philox(5).fillUniform(new Float64Array((WINDOWS * 100 + 2000) * COLUMNS.length));
    const sketch = (from: number, rows: number, by: number) => {
      const made = sketchOf(COLUMNS);
      const values = random.subarray(from * COLUMNS.length, (from + rows) * COLUMNS.length);
      made.update(
        chunkOf(
          COLUMNS,
          Float32Array.from(values, (u) => u + by),
          COLUMNS.length,
        ),
      );
      return made;
    };
    const reference = sketch(0, 2000, 0);
    let count = 0;
    for (let w = 0; w < WINDOWS; w++) {
      const current = sketch(2000 + w * 100, 100, shift);
      if (compare(reference, current, driftOptions.parse({ threshold }))!.drifted > 0) count++;
    }
    return count;
  };
  const most = 0.05 * WINDOWS + 4 * Math.sqrt(0.05 * 0.95 * WINDOWS);

  test('is no alarm more often than its level in all columns together, and never with the size that it takes', () => {
    const significant = alarms(1e-9, 0);
    expect(significant).toBeLessThan(most);
    expect(significant).toBeGreaterThan(0);
    expect(alarms(0.25, 0)).toBeLessThanOrEqual(significant);
  });

  test('is one where they shift', () => expect(alarms(0.25, 0.4)).toBe(WINDOWS));
});

describe('a verdict on latency', () => {
  const taken = (ms: readonly number[]) => {
    const latencies = new Latencies();
    for (const one of ms) latencies.add(one);
    return latencies;
  };

  test('medians are within 1.1%, and survive being stored', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.01, max: 1e4, noNaN: true }), { minLength: 1, maxLength: 99 }),
        (ms) => {
          const latencies = taken(ms);
          const sorted = [...ms].sort((a, b) => a - b);
          const [low, high] = [
            sorted[Math.floor((ms.length - 1) / 2)]!,
            sorted[Math.ceil((ms.length - 1) / 2)]!,
          ];
          expect(latencies.medianMs!).toBeGreaterThan(low / 1.0115);
          expect(latencies.medianMs!).toBeLessThan(high * 1.0115);
          const again = Latencies.from(JSON.parse(JSON.stringify(latencies)));
          expect([again.medianMs, again.requests]).toEqual([latencies.medianMs, ms.length]);
        },
      ),
    );
  });

  test('a rise over 2 ms of most requests is drift, one of a few is not', () => {
    const slow = taken([...Array(40).fill(3), ...Array(60).fill(9)]);
    expect(judgeLatency(5, slow, LIMITS)).toMatchObject({ drifted: true, reason: 'drifted' });
    const pause = taken([...Array(95).fill(5), ...Array(5).fill(900)]);
    expect(judgeLatency(5, pause, LIMITS)).toMatchObject({ drifted: false, reason: 'below_threshold' });
    // The median is 9, but 52 of 100 above is what chance does.
    const mixed = taken([...Array(48).fill(4), ...Array(52).fill(9)]);
    expect(judgeLatency(5, mixed, LIMITS).reason).toBe('not_significant');
    expect(judgeLatency(5, taken(Array(29).fill(90)), LIMITS).reason).toBe('too_few_rows');
    expect(judgeLatency(null, slow, LIMITS).reason).toBe('no_baseline');
  });
});
