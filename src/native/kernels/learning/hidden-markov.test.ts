// Hidden Markov models: hmmlearn's parameters and paths, a likelihood that never falls, no look-ahead.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, NonFiniteInputError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import { CancelledError, NotPositiveDefiniteError, setThreads } from '../../index.ts';
import golden from './classic/golden.json';
import { hmmFit, hmmStates } from './hidden-markov.ts';

/** A series that changes between a calm and a wild state. */
function series(seed: number, rows: number, columns: number): Float64Array {
  const random = uniform(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let wild = false;
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    if (i % columns === 0 && random() < 0.05) wild = !wild;
    return (wild ? 3 : 0.5) * normal() + (wild ? -1 : 0.3);
  });
}

const startOf = (states: number, columns: number) =>
  Float64Array.from({ length: states * columns }, (_, i) => Math.floor(i / columns) - 0.5 * states);

describe('a hidden Markov model', () => {
  for (const [i, { rows, columns, states, covariance, inputs, start, ...expected }] of golden.hmm.entries())
    test(`answers what hmmlearn does, case ${i}`, () => {
      const values = Float64Array.from(inputs);
      const fit = hmmFit({
        ...{ rows, columns, states, values, start: Float64Array.from(start) },
        ...{ covariance: covariance as 'diagonal', tolerance: 1e-12, floor: 1e-12, maxIterations: 2000 },
      });
      for (const name of ['initial', 'transitions', 'means', 'covariances'] as const)
        for (let k = 0; k < expected[name].length; k++)
          expect(Math.abs(fit[name][k]! - expected[name][k]!)).toBeLessThan(1e-4);
      expect(Math.abs(fit.likelihood[0]! - expected.likelihood)).toBeLessThan(1e-5);
      const given = Object.fromEntries(
        (['initial', 'transitions', 'means', 'covariances'] as const).map((name) => [
          name,
          Float64Array.from(expected[name]),
        ]),
      ) as Record<'initial' | 'transitions' | 'means' | 'covariances', Float64Array>;
      const smoothed = new Float64Array(rows * states);
      const found = hmmStates({ rows, columns, states, values, ...given, smoothed });
      expect([...found.path]).toEqual(expected.path);
      // Parameters are written with nine digits.
      expect(Math.abs(found.likelihood[0]! - expected.likelihood)).toBeLessThan(1e-5);
      for (let k = 0; k < states; k++) {
        expect(Math.abs(smoothed[(rows - 1) * states + k]! - expected.smoothed_last[k]!)).toBeLessThan(1e-6);
        expect(Math.abs(smoothed[200 * states + k]! - expected.smoothed_middle[k]!)).toBeLessThan(1e-6);
        expect(found.filtered[(rows - 1) * states + k]).toBe(smoothed[(rows - 1) * states + k]!);
      }
    });

  test('never lowers the likelihood, gives distributions, and sorts states by their variance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 20, max: 200 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom('diagonal', 'full'),
        fc.nat(),
        (rows, columns, states, covariance, seed) => {
          const values = series(seed, rows, columns);
          const path = new Float64Array(50);
          const start = startOf(states, columns);
          const fit = hmmFit({
            ...{ rows, columns, states, covariance, values, start, path },
            ...{ maxIterations: 50, tolerance: 0, floor: 1e-9 },
          });
          // Sums of some hundred logarithms; the floor adds a billionth of the variance.
          for (let i = 1; i < fit.iterations[0]!; i++)
            expect(path[i]! - path[i - 1]!).toBeGreaterThan(-1e-6 * rows);
          const sum = (from: Float64Array, k: number) =>
            from.subarray(k * states, (k + 1) * states).reduce((a, b) => a + b, 0);
          expect(Math.abs(sum(fit.initial, 0) - 1)).toBeLessThan(1e-9);
          const sizes = Array.from({ length: states }, (_, k) => {
            expect(Math.abs(sum(fit.transitions, k) - 1)).toBeLessThan(1e-9);
            let trace = 0;
            for (let j = 0; j < columns; j++) trace += fit.covariances[(k * columns + j) * columns + j]!;
            return trace;
          });
          expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('filters without a look ahead: later rows change nothing', () => {
    const values = series(3, 300, 2);
    const fit = hmmFit({ rows: 300, columns: 2, values, start: startOf(2, 2) });
    const { initial, transitions, means, covariances } = fit;
    const model = { columns: 2, states: 2, initial, transitions, means, covariances };
    const all = hmmStates({ ...model, rows: 300, values });
    const part = hmmStates({ ...model, rows: 200, values: values.slice(0, 400) });
    expect([...part.filtered]).toEqual([...all.filtered.subarray(0, 400)]);
  });

  test('finds the states that made a series', () => {
    const values = series(5, 2000, 1);
    const fit = hmmFit({ rows: 2000, columns: 1, values, start: Float64Array.of(0.1, -0.1) });
    // 0.5 and 3 made it; 2,000 rows tell a deviation to some percent.
    expect(Math.abs(Math.sqrt(fit.covariances[0]!) - 0.5)).toBeLessThan(0.05);
    expect(Math.abs(Math.sqrt(fit.covariances[1]!) - 3)).toBeLessThan(0.3);
    expect(Math.abs(fit.transitions[0]! - 0.95)).toBeLessThan(0.03);
  });

  test('stays a number for rows beyond all measure and for collinear or constant columns', () => {
    const values = series(6, 200, 2);
    values[100] = 1e100;
    values[101] = -1e100;
    const first = { rows: 200, columns: 2, start: startOf(2, 2) };
    const wild = hmmFit({ ...first, values });
    expect([...wild.transitions, wild.likelihood[0]!].every(Number.isFinite)).toBe(true);
    for (const second of [(x: number) => 2 * x, () => 7]) {
      const same = series(6, 200, 2).map((x, i, all) => (i % 2 === 0 ? x : second(all[i - 1]!)));
      const fit = hmmFit({ ...first, values: same, covariance: 'full' });
      expect([...fit.covariances, fit.likelihood[0]!].every(Number.isFinite)).toBe(true);
    }
  });

  test('has the same bits on any number of threads', () => {
    const call = { rows: 3000, columns: 2, states: 3, values: series(7, 3000, 2), start: startOf(3, 2) };
    const threads = setThreads(1);
    const one = hmmFit({ ...call, maxIterations: 5 });
    setThreads(3);
    expect(hmmFit({ ...call, maxIterations: 5 })).toEqual(one);
    setThreads(threads);
  });

  test('refuses NaN, probabilities below 0 and covariances that are none, and stops when cancelled', async () => {
    const values = series(8, 50, 1);
    const fit = { rows: 50, columns: 1, values, start: Float64Array.of(0, 1) };
    expect(() => hmmFit({ ...fit, values: values.with(9, Number.NaN) })).toThrow(NonFiniteInputError);
    expect(() => hmmFit({ ...fit, values: values.with(9, Number.NaN) })).toThrow('element 9');
    await expect(hmmFit.async(fit, AbortSignal.abort())).rejects.toThrow(CancelledError);
    const half = Float64Array.of(0.5, 0.5);
    const states = {
      ...{ rows: 50, columns: 1, states: 2, values, initial: half, means: half },
      ...{ transitions: Float64Array.of(0.5, 0.5, 0.5, 0.5), covariances: Float64Array.of(1, 1) },
    };
    expect(() => hmmStates({ ...states, initial: Float64Array.of(-1, 2) })).toThrow(InvalidOptionError);
    expect(() => hmmStates({ ...states, transitions: Float64Array.of(1, 0, 0, 0) })).toThrow('row 1');
    expect(() => hmmStates({ ...states, covariances: Float64Array.of(1, 0) })).toThrow(
      NotPositiveDefiniteError,
    );
    expect(() => hmmStates({ ...states, covariances: Float64Array.of(1, 0) })).toThrow('state 1');
  });
});
