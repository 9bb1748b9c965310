import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import golden from '../golden.json' with { type: 'json' };
import type { Observation } from '../types.ts';
import { bracketShares } from './halving.ts';
import { PRUNERS, type PrunerChoice, prunerOf } from './index.ts';

const reportsOf = (curve: readonly number[], steps: number) =>
  curve.slice(0, steps).map((value, at) => ({ step: at + 1, value }));

/** Runs one trial for each curve, one after the other; returns them with the step at which each was ended, 0 where it was not. */
function run(choice: PrunerChoice, curves: readonly (readonly number[])[]) {
  const pruner = prunerOf(choice);
  const history: Observation[] = [];
  const ends = curves.map((curve, number) => {
    const at = curve.findIndex((_, step) => pruner.ends(number, reportsOf(curve, step + 1), history));
    const end = at + 1;
    const reports = reportsOf(curve, end || curve.length);
    const state = end ? 'pruned' : 'complete';
    history.push({ number, point: {}, state, loss: reports.at(-1)!.value, reports });
    return end;
  });
  return { ends, history };
}

describe('pruners end the trials that Optuna ends', () => {
  test.each(golden.pruners.cases.map((each) => [JSON.stringify(each.options), each] as const))(
    '%s',
    (_, each) => {
      const { ends } = run(each.options as PrunerChoice, golden.pruners.curves);
      expect(ends).toEqual(each.ends);
      // Some go on and some end early, else the case would show nothing.
      expect(new Set(each.ends).size).toBeGreaterThan(1);
    },
  );
});

describe('Hyperband', () => {
  test('gives the brackets their shares, the one that ends trials earliest the most, as in table 1 of Li et al.', () => {
    // n = 81, 34, 15, 8, 5 trials for R = 81 and eta = 3.
    expect(bracketShares(5, 3)).toEqual([81, 34, 15, 8, 5]);
  });

  test('takes the length of the first complete trial where none is given', () => {
    const { curves } = golden.pruners;
    const { ends } = run({ kind: 'hyperband' }, curves);
    expect(ends[0]).toBe(0);
    expect(ends.filter((end) => end > 0).length).toBeGreaterThan(10);
    const given = run({ kind: 'hyperband', most_steps: golden.pruners.curves[0]!.length }, curves);
    // The first trial decides alone; all others are compared in the same brackets.
    if (given.ends[0] === 0) expect(ends).toEqual(given.ends);
  });
});

describe('Hyperband over fits that stop early', () => {
  test('shares trials out by the steps that they could have, not by those of the first one', () => {
    const reports = [{ step: 1, value: 1 }];
    // The first trial stopped at step 2 of 20, and is better than what comes.
    const first = [1, 2].map((step) => ({ step, value: 0 }));
    const history: Observation[] = [{ number: 0, point: {}, state: 'complete', loss: 0, reports: first }];
    for (let number = 1; number < 50; number++)
      history.push({ number, point: {}, state: 'pruned', loss: 0, reports: first.slice(0, 1) });
    const ended = (steps?: number) => {
      const pruner = prunerOf('hyperband', steps);
      return Array.from({ length: 40 }, (_, at) => pruner.ends(50 + at, reports, history)).filter(Boolean)
        .length;
    };
    expect(ended()).toBe(40);
    // Rungs 1, 3 and 9: of three brackets one ends trials at step 1.
    expect(ended(20)).toBeLessThan(30);
    expect(ended(20)).toBeGreaterThan(10);
  });
});

describe('every pruner', () => {
  const curves = fc.array(
    fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 12 }),
    {
      minLength: 1,
      maxLength: 25,
    },
  );
  test.each(PRUNERS)('decides the same from the same trials, and after JSON too: %s', (name) => {
    fc.assert(
      fc.property(curves, (curves) => {
        const { history } = run(name, curves);
        const again = run(name, curves);
        expect(again.history).toEqual(history);
        const copied = JSON.parse(JSON.stringify(history)) as Observation[];
        const pruner = prunerOf(name);
        for (const { number, state, reports } of copied.toReversed()) {
          expect(pruner.ends(number, reports, copied.slice(0, number))).toBe(state === 'pruned');
        }
      }),
      { numRuns: 50 },
    );
  });

  test.each(PRUNERS)('never ends the best of all trials at every step: %s', (name) => {
    fc.assert(
      fc.property(curves, (curves) => {
        const best = Array.from({ length: 12 }, () => -11);
        expect(run(name, [...curves, best]).ends.at(-1)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test.each(PRUNERS.filter((name) => name !== 'none'))('ends a trial that is no number: %s', (name) => {
    const { curves } = golden.pruners;
    const { ends } = run(name, [...curves, Array.from({ length: 27 }, () => Number.NaN)]);
    expect(ends.at(-1)).toBeGreaterThan(0);
  });
});
