import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { InvalidOptionError } from '../../core/errors.ts';
import golden from './deflated-sharpe.json' with { type: 'json' };
import { deflatedSharpe, deflatedSharpeOf } from './deflated-sharpe.ts';

describe('the deflated Sharpe ratio', () => {
  test(`is that of its formulas by ${golden.source}`, () => {
    for (const { threshold, probability, ...best } of golden.cases) {
      const found = deflatedSharpe(best);
      expect(Math.abs(found.threshold - threshold)).toBeLessThan(golden.tolerance);
      expect(Math.abs(found.probability - probability)).toBeLessThan(golden.tolerance);
    }
  });

  test('is that of the example of its paper, to the digits printed there', () => {
    // Five years of 250 days, an annual ratio of 2.5 as the best of trials whose annual ratios vary by 1/2.
    const best = { sharpe: 2.5 / Math.sqrt(250), observations: 1250, deviation: Math.sqrt(0.5 / 250) };
    const found = deflatedSharpe({ ...best, skewness: -3, kurtosis: 10, trials: 100 });
    expect(found.threshold).toBeCloseTo(0.1132, 4);
    expect(found.probability).toBeCloseTo(0.9004, 4);
    expect(deflatedSharpe({ ...best, skewness: -3, kurtosis: 10, trials: 46 }).probability).toBeCloseTo(
      0.9505,
      4,
    );
  });

  test('falls with the number of trials and with how much they differ, and rises with the ratio', () => {
    const best = fc.record({
      sharpe: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
      observations: fc.integer({ min: 2, max: 100_000 }),
      skewness: fc.double({ min: -1, max: 1, noNaN: true }),
      kurtosis: fc.double({ min: 3, max: 20, noNaN: true }),
      trials: fc.integer({ min: 1, max: 10_000 }),
      deviation: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(best, (one) => {
        const { probability, threshold } = deflatedSharpe(one);
        expect(probability).toBeGreaterThanOrEqual(0);
        expect(probability).toBeLessThanOrEqual(1);
        const more = deflatedSharpe({ ...one, trials: one.trials * 2 });
        expect(more.threshold).toBeGreaterThanOrEqual(threshold);
        expect(more.probability).toBeLessThanOrEqual(probability);
        const wider = deflatedSharpe({ ...one, deviation: one.deviation + 0.1 });
        expect(wider.threshold).toBeGreaterThanOrEqual(threshold);
      }),
    );
  });

  test('is measured from the returns of holdings, and absent where they say nothing', () => {
    const net = Float64Array.from({ length: 400 }, (_, i) => 0.001 + 0.01 * Math.sin(i * 1.7));
    const alone = deflatedSharpeOf(net, [1.6], 365)!;
    const mean = net.reduce((sum, value) => sum + value, 0) / 400;
    const deviation = Math.sqrt(net.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 399);
    // Waves have no skew and a kurtosis of 1.5.
    const direct = deflatedSharpe({
      sharpe: mean / deviation,
      observations: 400,
      skewness: 0,
      kurtosis: 1.5,
      trials: 1,
      deviation: 0,
    });
    expect(alone.threshold).toBe(0);
    // Of 400 points the moments are within a hundredth of those of the wave.
    expect(alone.probability).toBeCloseTo(direct.probability, 2);
    const many = deflatedSharpeOf(net, [1.6, -0.2, 0.3, 1.1, -1], 365)!;
    expect(many.threshold).toBeGreaterThan(0);
    expect(many.probability).toBeLessThan(alone.probability);
    expect(deflatedSharpeOf(new Float64Array(10), [1], 365)).toBeNull();
    expect(deflatedSharpeOf(net.subarray(0, 2), [1], 365)).toBeNull();
  });

  test('is refused for what no returns have', () => {
    const best = { sharpe: 0.1, observations: 100, skewness: 0, kurtosis: 3, trials: 5, deviation: 0.1 };
    for (const wrong of [
      { observations: 1 },
      { trials: 0 },
      { deviation: -1 },
      { sharpe: Number.NaN },
      { skewness: 50, sharpe: 0.5 },
    ])
      expect(() => deflatedSharpe({ ...best, ...wrong })).toThrow(InvalidOptionError);
  });
});
