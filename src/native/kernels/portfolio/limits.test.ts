// Usage of limits: numpy's values, laws, refusals that name the limit.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../../core/errors.ts';
import { uniform } from '../../example-call.ts';
import golden from './golden.json';
import { limitUsage } from './limits.ts';
import { scenarioPnl } from './scenarios.ts';

const GROSS = 0;
const NET = 1;
const LOSS = 2;

const shape = fc.record({
  scenarios: fc.integer({ min: 1, max: 8 }),
  positions: fc.integer({ min: 1, max: 12 }),
  limits: fc.integer({ min: 1, max: 9 }),
});
type Shape = typeof shape extends fc.Arbitrary<infer S> ? S : never;

function book(size: Shape, seed: number) {
  const random = uniform(seed);
  const draws = (count: number, scale: number) =>
    Float64Array.from({ length: count }, () => scale * (random() - 0.5));
  return {
    ...size,
    pnl: draws(size.scenarios * size.positions, 40),
    exposures: draws(size.positions, 200),
    weights: draws(size.limits * size.positions, 2).map((w) => (w > 0.5 ? 0 : w)),
    kinds: Int32Array.from({ length: size.limits }, (_, l) => l % 3),
    bounds: Float64Array.from({ length: size.limits }, () => 20 + 100 * random()),
  };
}

describe('limitUsage', () => {
  test('answers what numpy does', () => {
    const { scenarios, positions, limits, usage, worst_scenario, breaches, ...arrays } = golden.limit_usage;
    const kinds = Int32Array.from(arrays.kinds);
    for (const [Class, tolerance] of [
      [Float64Array, 1e-14],
      // Inputs are rounded to 2^-24, and sums of ten of them cancel to a tenth.
      [Float32Array, 1e-5],
    ] as const) {
      const found = limitUsage<Float64Array | Float32Array>({
        ...{ scenarios, positions, limits, kinds },
        pnl: Class.from(arrays.pnl),
        exposures: Class.from(arrays.exposures),
        weights: Class.from(arrays.weights),
        bounds: Class.from(arrays.bounds),
      });
      for (let i = 0; i < usage.length; i++)
        expect(Math.abs(found.usage[i]! - usage[i]!)).toBeLessThanOrEqual(tolerance);
      expect([...found.worstScenario]).toEqual(worst_scenario);
      expect([...found.breaches]).toEqual(breaches);
      expect([...found.unknown]).toEqual(breaches.map(() => 0));
    }
  });

  test('of net is at most that of gross, and does not know long from short', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const call = book(size, seed);
        const of = (kind: number) => ({ ...call, kinds: call.kinds.map(() => kind) });
        const gross = limitUsage(of(GROSS)).usage;
        const net = limitUsage(of(NET)).usage;
        for (let i = 0; i < net.length; i++) expect(net[i]!).toBeLessThanOrEqual(gross[i]! * (1 + 1e-12));
        const turned = {
          ...of(NET),
          pnl: call.pnl.map((x) => -x),
          exposures: call.exposures.map((x) => -x),
        };
        expect([...limitUsage(turned).usage]).toEqual([...net]);
        const flipped = { ...of(GROSS), weights: call.weights.map((w) => -w) };
        expect([...limitUsage(flipped).usage]).toEqual([...gross]);
      }),
    );
  });

  test('halves when bounds double, and is worst where it says', () => {
    fc.assert(
      fc.property(shape, fc.nat(), (size, seed) => {
        const call = book(size, seed);
        const { usage, worst, worstScenario, breaches } = limitUsage(call);
        const wider = limitUsage({ ...call, bounds: call.bounds.map((bound) => 2 * bound) });
        expect([...wider.usage]).toEqual([...usage].map((x) => x / 2));
        for (let l = 0; l < size.limits; l++) {
          const column = Array.from({ length: size.scenarios }, (_, s) => usage[s * size.limits + l]!);
          expect(worst[l]!).toBe(Math.max(...column));
          expect(worstScenario[l]!).toBe(column.indexOf(worst[l]!));
          expect(breaches[l]!).toBe(column.filter((x) => x > 1).length);
        }
      }),
    );
  });

  test('takes what scenarioPnl says of each position', () => {
    const size = { scenarios: 2, positions: 2, factors: 2 };
    const delta = Float64Array.of(1000, -400);
    const moves = Float64Array.of(0.1, 0, -0.5, 0.5);
    const pnl = scenarioPnl({ ...size, delta, moves, byPosition: new Float64Array(4) }).byPosition!;
    const { usage, breaches } = limitUsage({
      ...{ scenarios: 2, positions: 2, limits: 3, pnl, exposures: delta },
      weights: new Float64Array(6).fill(1),
      kinds: Int32Array.of(GROSS, NET, LOSS),
      bounds: Float64Array.of(1500, 700, 350),
    });
    // Values of 1100 and -400, then 500 and -600; profits of 100, then a loss of 700.
    expect([...usage]).toEqual([1, 1, 0, 1100 / 1500, 1 / 7, 2]);
    expect([...breaches]).toEqual([0, 0, 1]);
  });

  test('counts what is missing, and does not call it a breach', () => {
    const call = book({ scenarios: 3, positions: 2, limits: 2 }, 1);
    const weights = Float64Array.of(1, 0, 1, 1);
    const pnl = call.pnl.slice();
    pnl[3] = Number.NaN; // the second position in the second scenario
    const { usage, unknown } = limitUsage({ ...call, weights, pnl, bounds: Float64Array.of(1e-9, 1e-9) });
    expect([...unknown]).toEqual([0, 1]);
    expect(Number.isNaN(usage[3]!)).toBe(true);
  });

  test('refuses kinds that are none and bounds below 0, and names the limit', () => {
    const call = book({ scenarios: 1, positions: 2, limits: 3 }, 2);
    expect(() => limitUsage({ ...call, kinds: Int32Array.of(0, 3, 1) })).toThrow(InvalidOptionError);
    expect(() => limitUsage({ ...call, bounds: Float64Array.of(1, 1, -1) })).toThrow(/limit 2/);
  });
});
