// Laws that hold for any parameters, since a seed fixes the paths.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { mcBasket, mcOption, normals } from './index.ts';

const price = (call: Record<string, unknown>) =>
  mcOption({ paths: 2000, steps: 3, dtype: 'f64', ...call } as never).values[0]!;

const market = fc.record({
  process: fc.constantFrom('gbm', 'merton', 'heston'),
  generator: fc.constantFrom('philox10', 'philox7', 'sobol'),
  spot: fc.double({ min: 1, max: 1000, noNaN: true }),
  rate: fc.double({ min: -0.05, max: 0.2, noNaN: true }),
  dividend: fc.double({ min: 0, max: 0.1, noNaN: true }),
  volatility: fc.double({ min: 0.01, max: 1, noNaN: true }),
  maturity: fc.double({ min: 0.01, max: 5, noNaN: true }),
  jumpRate: fc.double({ min: 0, max: 5, noNaN: true }),
  jumpVolatility: fc.double({ min: 0, max: 0.3, noNaN: true }),
  varianceVolatility: fc.double({ min: 0.1, max: 1, noNaN: true }),
  correlation: fc.double({ min: -1, max: 1, noNaN: true }),
  seed: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
});
const moneyness = fc.double({ min: 0.5, max: 2, noNaN: true });
const near = (got: number, want: number, scale: number) =>
  expect(Math.abs(got - want)).toBeLessThan(1e-9 * scale);

describe('for any market and seed', () => {
  test('call minus put is the mean of the final spot, less the discounted strike', () => {
    fc.assert(
      fc.property(market, moneyness, (m, k) => {
        const strike = k * m.spot;
        const forward = price({ ...m, strike: 0 });
        const gap = price({ ...m, strike }) - price({ ...m, strike, side: 'put' });
        near(gap, forward - strike * Math.exp(-m.rate * m.maturity), m.spot + forward);
      }),
      { numRuns: 60 },
    );
  });

  test('the unit of money does not matter', () => {
    const payoff = fc.constantFrom(
      'european',
      'asian',
      'asian_geometric',
      'lookback_fixed',
      'lookback_floating',
    );
    fc.assert(
      fc.property(market, payoff, moneyness, (m, kind, k) => {
        const one = price({ ...m, payoff: kind, strike: k * m.spot });
        const other = price({ ...m, payoff: kind, spot: 7 * m.spot, strike: 7 * k * m.spot });
        near(other / 7, one, m.spot + one);
      }),
      { numRuns: 60 },
    );
  });

  test('a call falls with its strike, by no more than the discounted difference', () => {
    fc.assert(
      fc.property(market, moneyness, moneyness, (m, one, other) => {
        const [low, high] = [Math.min(one, other) * m.spot, Math.max(one, other) * m.spot];
        const fall = price({ ...m, strike: low }) - price({ ...m, strike: high });
        expect(fall).toBeGreaterThanOrEqual(-1e-9 * m.spot);
        expect(fall).toBeLessThanOrEqual((high - low) * Math.exp(-m.rate * m.maturity) + 1e-9 * m.spot);
      }),
      { numRuns: 60 },
    );
  });

  test('an Asian call is worth no more than the fixed lookback on the same paths', () => {
    fc.assert(
      fc.property(market, moneyness, (m, k) => {
        const strike = k * m.spot;
        const asian = price({ ...m, strike, payoff: 'asian' });
        expect(asian).toBeLessThanOrEqual(price({ ...m, strike, payoff: 'lookback_fixed' }) * (1 + 1e-12));
        expect(price({ ...m, strike, payoff: 'asian_geometric' })).toBeLessThanOrEqual(
          asian * (1 + 1e-12) + 1e-12,
        );
      }),
      { numRuns: 60 },
    );
  });

  test('the best of two assets is worth no less than either, and best plus worst is both', () => {
    const basket = (payoff: string, weights: number[], correlation: number, seed: number) =>
      mcBasket({
        assets: 2,
        paths: 500,
        dtype: 'f64',
        seed,
        payoff,
        spots: new Float64Array([90, 110]),
        weights: new Float64Array(weights),
        volatilities: new Float64Array([0.3, 0.2]),
        correlations: new Float64Array([1, correlation, correlation, 1]),
      } as never).value[0]!;
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 2 ** 40 }),
        (correlation, seed) => {
          const both = basket('basket', [1, 1], correlation, seed);
          const best = basket('best_of', [1, 1], correlation, seed);
          near(best + basket('worst_of', [1, 1], correlation, seed), both, both);
          expect(2 * best).toBeGreaterThanOrEqual(both * (1 - 1e-12));
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('normals of another seed, stream or generator are others', () => {
  const draw = (change: object) => normals({ dimensions: 2, paths: 8, ...change }).out.join();
  const all = [
    draw({}),
    draw({ seed: 2 }),
    draw({ seed: 2 ** 40 }),
    draw({ stream: 1 }),
    draw({ generator: 'philox7' }),
  ];
  expect(new Set(all).size).toBe(all.length);
  expect(draw({})).toBe(all[0]!);
});
