// What follows from counts: grown, removed, won, rolled back, given up, and nothing while too little is known.
import { describe, expect, test } from 'bun:test';
import { NO_MOMENTS } from '../../../src/learning/experiments/moments.ts';
import { decide, decideWatch, findingsOf } from './evaluate.ts';
import { transitionOf } from './recorder.ts';
import {
  added,
  type Definition,
  type Experiment,
  type ExperimentRow,
  NO_RESULT,
  NO_TALLY,
  type Tally,
} from './records.ts';

const arm = (name: string, version: number) =>
  ({ name, model_id: 'm', version, precision: 'float32', reference: `m@${version}` }) as const;
const definition: Definition = {
  name: null,
  mode: 'ab',
  metric: 'accuracy',
  alpha: 0.05,
  min_samples: 100,
  max_duration_s: 1000,
  outcome_window_s: 1000,
  auto_promote: false,
  watch_requests: 100,
  guardrails: { latency_ms: 2, error_rate: 0.01 },
  canary: { steps: [0.1, 0.4], step_requests: 50 },
  arms: [arm('control', 1), arm('b', 2), arm('c', 3)],
  scored: { task: 'classification', width: 1, classes: null },
};
const row = { experiment_id: 'e', model_id: 'm', state: 'running', stage: 0 } as ExperimentRow;

/** A tally of so many answers, all of this latency, of which this share was right. */
function tally(n: number, right: number, over: Partial<Tally> = {}): Tally {
  const values = n === 0 ? NO_MOMENTS : { n, mean: right, m2: n * right * (1 - right) };
  const latency = n === 0 ? NO_MOMENTS : { n, mean: 1, m2: n * 0.01 };
  return { ...NO_TALLY, requests: n, values, latency, staged: [n], keys: [n], ...over };
}

function of(
  tallies: readonly Tally[],
  over: Partial<Definition> = {},
  more: Partial<Experiment> = {},
): Experiment {
  const whole = { ...definition, ...over };
  const arms = whole.arms.slice(0, tallies.length);
  const ramps = [arms.map(() => 1 / arms.length)];
  return { row, definition: { ...whole, arms }, result: NO_RESULT, ramps, tallies, watch: NO_TALLY, ...more };
}

const next = (experiment: Experiment, ageS = 0) => {
  const findings = findingsOf(experiment);
  return decide({ ...experiment, result: findings.result }, findings, ageS);
};

describe('an experiment that is split', () => {
  test('is won by the better challenger, and the worse one loses its keys', () => {
    expect(next(of([tally(1000, 0.5), tally(1000, 0.6), tally(1000, 0.7)]))).toEqual({
      do: 'win',
      arm: 'c',
      reason: 'c is better by accuracy',
    });
    const worse = of([tally(1000, 0.7), tally(1000, 0.7), tally(1000, 0.5)]);
    const decision = next(worse);
    expect(decision).toEqual({ do: 'remove', arms: ['c'], reason: 'c is worse by accuracy' });
    if (decision.do === 'nothing') throw new Error('decided');
    const removed = transitionOf(worse, decision);
    expect(removed.weights!.map((weight) => Math.round(weight * 3))).toEqual([2, 1, 0]);
    expect(removed.result!.out).toEqual(['c']);
    // Who is out is out: the same counts say nothing new.
    expect(next({ ...worse, result: removed.result! })).toEqual({ do: 'nothing' });
    expect(next(of([tally(1000, 0.7), tally(1000, 0.5)]))).toEqual({
      do: 'back',
      reason: 'b is worse by accuracy',
    });
  });

  test('decides nothing before every arm has its samples, however clear it is', () => {
    // As many keys as the shares promise.
    const having = (count: number) =>
      of([tally(1000, 0.1, { keys: [100] }), tally(count, 0.9, { keys: [100] })]);
    expect(findingsOf(having(99)).standings[0]).toMatchObject({ verdict: 'open', p: 1 });
    expect(next(having(99))).toEqual({ do: 'nothing' });
    expect(next(having(100)).do).toBe('win');
  });

  test('divides alpha among its challengers', () => {
    const pair = [tally(2000, 0.5), tally(2000, 0.56)] as const;
    const alone = findingsOf(of(pair)).standings[0]!;
    const among = findingsOf(of([...pair, tally(2000, 0.5)])).standings[0]!;
    expect(among.p).toBeCloseTo(Math.min(1, 2 * alone.p), 12);
    expect(among.metric!.high! - among.metric!.low!).toBeGreaterThan(
      alone.metric!.high! - alone.metric!.low!,
    );
  });

  test('keeps the least p-value that it had', () => {
    const low = { ...NO_RESULT, p: { b: 0.2 } };
    expect(findingsOf(of([tally(200, 0.5), tally(200, 0.5)], {}, { result: low })).standings[0]!.p).toBe(0.2);
  });

  test('is given up at its time, and decides nothing with shares that are not what they should be', () => {
    const open = of([tally(200, 0.5), tally(200, 0.5)]);
    expect(next(open, 999)).toEqual({ do: 'nothing' });
    expect(next(open, 1000)).toEqual({ do: 'give_up', reason: 'nothing was decided within 1000 s' });
    const skewed = of([tally(1000, 0.5), tally(1000, 0.9, { keys: [700] })]);
    expect(findingsOf(skewed).mismatch!.p).toBeLessThan(1e-3);
    expect(next(skewed)).toEqual({ do: 'nothing' });
    expect(next(skewed, 1000)).toMatchObject({ do: 'give_up', reason: expect.stringContaining('shares') });
  });

  test('is lower the better where the metric is a loss', () => {
    const loss = (mean: number) => tally(500, 0, { values: { n: 500, mean, m2: 500 * 0.04 } });
    expect(next(of([loss(0.7), loss(0.6)], { metric: 'log_loss' })).do).toBe('win');
    expect(next(of([loss(0.6), loss(0.7)], { metric: 'log_loss' })).do).toBe('back');
    const fast = (mean: number) => tally(500, 0, { latency: { n: 500, mean, m2: 500 * 0.04 } });
    expect(next(of([fast(3), fast(1)], { metric: 'latency_ms' })).do).toBe('win');
    const faulty = (errors: number) => tally(500, 0, { errors });
    expect(next(of([faulty(100), faulty(10)], { metric: 'error_rate' })).do).toBe('win');
  });
});

describe('a guardrail', () => {
  test('breaks at ten faults in ten requests, and holds at one', () => {
    const control = tally(200, 0.5);
    const at = (errors: number) => next(of([control, tally(0, 0, { requests: 10, errors, staged: [10] })]));
    expect(at(1)).toEqual({ do: 'nothing' });
    expect(at(10)).toMatchObject({ do: 'back', reason: expect.stringContaining('error_rate') });
  });

  test('of latency breaks over its limit only, and not where it is switched off', () => {
    const slow = (mean: number) => tally(100, 0.5, { latency: { n: 100, mean, m2: 100 * 0.04 } });
    expect(next(of([tally(100, 0.5), slow(2.9)]))).toEqual({ do: 'nothing' });
    expect(next(of([tally(100, 0.5), slow(3.5)]))).toMatchObject({
      do: 'back',
      reason: expect.stringContaining('latency_ms'),
    });
    const off = { guardrails: { latency_ms: null, error_rate: 0.01 } };
    expect(next(of([tally(100, 0.5), slow(90)], off))).toEqual({ do: 'nothing' });
  });

  test('of one challenger of two takes that one out', () => {
    const faulty = tally(100, 0.5, { errors: 50 });
    expect(next(of([tally(100, 0.5), faulty, tally(100, 0.5)]))).toMatchObject({ do: 'remove', arms: ['b'] });
  });
});

describe('a canary', () => {
  const canary = { mode: 'canary', metric: 'error_rate' } as const;
  const at = (ramps: readonly (readonly number[])[], second: Tally) =>
    next(of([tally(500, 0.5, { keys: [] }), { ...second, keys: [] }], canary, { ramps }));

  test('grows step by step, and wins after the last', () => {
    const first = [[0.9, 0.1]];
    expect(at(first, tally(49, 0.5))).toEqual({ do: 'nothing' });
    expect(at(first, tally(50, 0.5))).toMatchObject({ do: 'ramp', weights: [0.6, 0.4] });
    const second = [...first, [0.6, 0.4]];
    // Requests of the step before do not count for this one.
    expect(at(second, tally(150, 0.5, { staged: [101, 49] }))).toEqual({ do: 'nothing' });
    expect(at(second, tally(151, 0.5, { staged: [101, 50] }))).toMatchObject({ do: 'win', arm: 'b' });
  });

  test('waits for outcomes before it wins, and goes back where they are worse', () => {
    const ramps = [
      [0.9, 0.1],
      [0.6, 0.4],
    ];
    const with99 = tally(99, 0.5, { requests: 200, staged: [100, 100], keys: [] });
    const of2 = (second: Tally, right = 0.5) =>
      next(of([tally(500, right, { keys: [] }), second], { ...canary, metric: 'accuracy' }, { ramps }));
    expect(of2(with99)).toEqual({ do: 'nothing' });
    const more = tally(400, 0.5, { staged: [200, 200], keys: [] });
    expect(of2(more).do).toBe('win');
    expect(of2(more, 0.7)).toEqual({ do: 'back', reason: 'b is worse by accuracy' });
  });
});

test('a promoted version is watched for so many requests, and rolled back where it breaks a guardrail', () => {
  const promoted = (watch: Tally) => decideWatch(of([tally(500, 0.5), tally(500, 0.6)], {}, { watch }));
  expect(promoted(tally(99, 0))).toEqual({ do: 'nothing' });
  expect(promoted(tally(100, 0)).do).toBe('win');
  expect(promoted(tally(60, 0, { errors: 30 }))).toMatchObject({ do: 'back' });
});

test('counts of parts add up to the whole', () => {
  const one = tally(10, 0.5, { staged: [4, 6], errors: 2 });
  const two = tally(30, 1, { staged: [0, 10, 20] });
  expect(added(one, two)).toMatchObject({
    requests: 40,
    errors: 2,
    staged: [4, 16, 20],
    values: { n: 40, mean: 0.875 },
  });
  expect(added(one, NO_TALLY)).toEqual(one);
});
