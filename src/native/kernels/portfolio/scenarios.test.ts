// Profit and loss of scenarios: numpy's values, laws, refusals that name what is wrong.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError, ShapeMismatchError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import golden from './golden.json';
import { scenarioPnl } from './scenarios.ts';

const shape = fc.record({
  scenarios: fc.integer({ min: 1, max: 6 }),
  positions: fc.integer({ min: 0, max: 40 }),
  factors: fc.integer({ min: 1, max: 20 }),
});

function book(size: { scenarios: number; positions: number; factors: number }, seed: number) {
  const random = uniform(seed);
  const draws = (count: number) => Float64Array.from({ length: count }, () => random() - 0.5);
  return {
    ...size,
    moves: draws(size.scenarios * size.factors),
    delta: draws(size.positions),
    gamma: draws(size.positions),
    factorOf: Int32Array.from({ length: size.positions }, () => Math.floor(random() * size.factors)),
  };
}

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++)
    expect(Math.abs(found[i]! - expected[i]!)).toBeLessThanOrEqual(tolerance);
}

describe('scenarioPnl', () => {
  test('answers what numpy does, in f32 to the precision of its inputs', () => {
    const { scenarios, positions, factors, pnl, byPosition, ...arrays } = golden.scenario_pnl;
    const factorOf = Int32Array.from(arrays.factorOf);
    for (const [Class, tolerance] of [
      [Float64Array, 1e-10],
      // Inputs are rounded to 2^-24 of moves of 0.05 on 3e5, a dozen of them.
      [Float32Array, 0.02],
    ] as const) {
      const found = scenarioPnl<Float64Array | Float32Array>({
        ...{ scenarios, positions, factors, factorOf },
        moves: Class.from(arrays.moves),
        delta: Class.from(arrays.delta),
        gamma: Class.from(arrays.gamma),
        byPosition: new Class(scenarios * positions),
      });
      expectNear(found.pnl, pnl, tolerance);
      expectNear(found.byPosition!, byPosition, tolerance);
    }
  });

  test('is the sum over positions', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const byPosition = new Float64Array(size.scenarios * size.positions);
        const { pnl } = scenarioPnl({ ...book(size, seed), byPosition });
        const sums = Float64Array.from({ length: size.scenarios }, (_, s) =>
          byPosition.subarray(s * size.positions, (s + 1) * size.positions).reduce((a, b) => a + b, 0),
        );
        expectNear(pnl, sums, 1e-13);
      }),
    );
  });

  test('is linear in what is held, and quadratic in the moves', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const call = book(size, seed);
        const { pnl } = scenarioPnl(call);
        const twice = { ...call, delta: call.delta.map((x) => 2 * x), gamma: call.gamma.map((x) => 2 * x) };
        expect([...scenarioPnl(twice).pnl]).toEqual([...pnl].map((x) => 2 * x));
        // Up and down by the same moves: the slopes cancel, the curvature stays.
        const down = scenarioPnl({ ...call, moves: call.moves.map((x) => -x) }).pnl;
        const curved = scenarioPnl({ ...call, delta: new Float64Array(size.positions) }).pnl;
        expectNear(
          pnl.map((x, s) => x + down[s]!),
          curved.map((x) => 2 * x),
          1e-12,
        );
      }),
    );
  });

  test('takes quantity times price over relative moves for shares', () => {
    const { pnl } = scenarioPnl({
      ...{ scenarios: 2, positions: 2, factors: 2 },
      delta: Float64Array.of(100 * 50, -10 * 300),
      moves: Float64Array.of(0.01, 0.02, -0.1, 0),
    });
    expectNear(pnl, [50 - 60, -500], 1e-12);
  });

  test('refuses factors that are none, and as many factors as there are no positions', () => {
    const call = book({ scenarios: 2, positions: 3, factors: 2 }, 1);
    expect(() => scenarioPnl({ ...call, factorOf: Int32Array.of(0, 1, 2) })).toThrow(
      new InvalidOptionError('Expected places below the number of factors for factorOf; element 2 was not'),
    );
    const { factorOf: _, ...without } = call;
    expect(() => scenarioPnl(without)).toThrow(ShapeMismatchError);
  });
});
