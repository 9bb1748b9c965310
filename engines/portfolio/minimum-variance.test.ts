// Minimum-variance weights against numpy, by their laws, and for inputs that have none.
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { sharedData } from '../../test/shared-data.ts';
import golden from './golden.json';
import { minimumVariance } from './minimum-variance.ts';

const stocks = sharedData(golden.stocks.file);

function closeTo(actual: number, expected: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(
    golden.tolerance.relative * Math.max(1e-2, Math.abs(expected)),
  );
}

function expectGolden(
  answer: Awaited<ReturnType<typeof minimumVariance>>,
  expected: { weights: number[]; symbols: string[]; expected_volatility: number; observations: number },
): void {
  expect(Object.keys(answer.weights)).toEqual(expected.symbols);
  Object.values(answer.weights).forEach((w, i) => {
    closeTo(w, expected.weights[i]!);
  });
  closeTo(answer.expected_volatility, expected.expected_volatility);
  expect(answer.observations).toBe(expected.observations);
}

/** Independent-looking returns [n][assets] from a seed. */
function walk(n: number, assets: number, seed: number): number[][] {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32 - 0.5) * 0.04;
  };
  return Array.from({ length: n }, () => Array.from({ length: assets }, next));
}

const names = (n: number) => Array.from({ length: n }, (_, i) => `S${i}`);

describe('minimum variance', () => {
  test('gives the weights of numpy on a small sample of six stocks', async () => {
    expectGolden(await minimumVariance(golden.sample.symbols, golden.sample.returns), golden.sample);
  });

  test.skipIf(stocks === null)('gives the weights of numpy on 20 stocks over 33 years', async () => {
    const [header, ...rows] = gunzipSync(readFileSync(stocks!)).toString('utf8').trim().split(/\r?\n/);
    const closes = rows.map((row) => row.split(',').slice(1).map(Number));
    const returns = closes.slice(1).map((row, i) => row.map((close, j) => close / closes[i]![j]! - 1));
    expectGolden(await minimumVariance(header!.split(',').slice(1), returns), golden.stocks);
  });

  test('weights sum to 1, and no other weights that sum to 1 vary less', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2 ** 32 - 1 }),
        fc.integer({ min: 2, max: 8 }),
        async (seed, assets) => {
          const returns = walk(assets * 5 + 5, assets, seed);
          const answer = await minimumVariance(names(assets), returns);
          const weights = Object.values(answer.weights);
          expect(Math.abs(weights.reduce((a, b) => a + b, 0) - 1)).toBeLessThan(1e-12);
          const tilted = weights.with(0, weights[0]! + 0.01).with(1, weights[1]! - 0.01);
          expect(deviation(returns, weights)).toBeCloseTo(answer.expected_volatility, 12);
          expect(deviation(returns, tilted)).toBeGreaterThan(answer.expected_volatility);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('does not depend on the scale of an asset beyond its weight, even over 16 orders of magnitude', async () => {
    const returns = walk(60, 3, 7);
    const scaled = returns.map(([a, b, c]) => [a! * 1e8, b! * 1e-8, c!]);
    const { weights } = await minimumVariance(['A', 'B', 'C'], scaled);
    expect(weights.B).toBeCloseTo(1, 8);
    expect(Object.values(weights).every(Number.isFinite)).toBe(true);
  });

  const refused: [string, string[], number[][], string, string][] = [
    ['a symbol twice', ['A', 'A'], walk(9, 2, 1), 'invalid-option', '/symbols/1'],
    [
      'a row of another length',
      ['A', 'B'],
      [...walk(5, 2, 1), [0.1], [0.1, 0.2]],
      'shape-mismatch',
      '/returns/5',
    ],
    [
      'an infinite return',
      ['A', 'B'],
      [...walk(5, 2, 1), [0.1, Infinity]],
      'non-finite-input',
      '/returns/5/1',
    ],
    [
      'returns whose squares overflow',
      ['A', 'B'],
      walk(5, 2, 1).map((r) => r.map((x) => x * 1e200)),
      'non-finite-input',
      '',
    ],
    ['as many observations as symbols', ['A', 'B', 'C'], walk(3, 3, 1), 'insufficient-history', ''],
    ['no observations', ['A'], [], 'insufficient-history', ''],
    ['constant returns', ['A', 'B'], walk(9, 2, 1).map(([a]) => [a!, 0.01]), 'invalid-option', '/symbols/1'],
    ['the same returns twice', ['A', 'B'], walk(9, 1, 1).map(([a]) => [a!, a!]), 'invalid-option', ''],
    [
      'returns that others determine',
      ['A', 'B', 'C'],
      walk(30, 2, 1).map(([a, b]) => [a!, b!, 0.3 * a! + 0.7 * b!]),
      'invalid-option',
      '',
    ],
  ];
  for (const [what, symbols, returns, slug, pointer] of refused) {
    test(`refuses ${what}`, async () => {
      const error = await minimumVariance(symbols, returns).catch((e) => e);
      expect(error.slug).toBe(slug);
      if (pointer) expect(error.extras.errors[0].pointer).toBe(pointer);
    });
  }
});

function deviation(returns: number[][], weights: number[]): number {
  const values = returns.map((row) => row.reduce((sum, r, i) => sum + r * weights[i]!, 0));
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
}
