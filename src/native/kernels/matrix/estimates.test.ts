// Principal components, shrinkage and the nearest correlation matrix: outside values, laws and refusals.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError, ShapeMismatchError } from '../../../core/errors.ts';
import { CancelledError, NotPositiveDefiniteError } from '../../errors.ts';
import { eigenvaluesSymmetric } from './decompositions.ts';
import { ledoitWolf, nearestPsd, pca } from './estimates.ts';
import golden from './golden.json';
import { covariance } from './moments.ts';
import { diagonal, expectClose, expectSymmetric, normal, product, transpose } from './test-matrices.ts';

const { observations, assets } = golden.panel;
const values = Float64Array.from(golden.panel.values as number[]);

describe('pca', () => {
  test('equals scikit-learn, signs fixed', () => {
    const { components } = golden.pca;
    const scores = new Float64Array(observations * components);
    const found = pca({ observations, assets, components, values, scores });
    // Variances are 1e-4 and lie a tenth of that apart.
    expectClose(found.axes, golden.pca.axes, 1e-13);
    expectClose(found.variance, golden.pca.variance, 1e-17);
    expectClose(found.share, golden.pca.share, 1e-14);
    expectClose(found.mean, golden.pca.mean, 1e-17);
    expectClose(scores, golden.pca.scores, 1e-14);
  });

  test('keeps the whole variance, along orthonormal axes, whether there are more rows than columns or not', () => {
    const side = fc.integer({ min: 2, max: 16 });
    fc.assert(
      fc.property(side, side, fc.boolean(), fc.nat(), (rows, columns, scale, seed) => {
        const components = Math.min(rows, columns);
        const panel = normal(rows * columns, seed).map((value, at) => value * (1 + (at % columns)) + 3);
        const size = { observations: rows, assets: columns };
        const scores = new Float64Array(rows * components);
        const { axes, variance, share } = pca({ ...size, components, values: panel, scores, scale });
        const whole = components === columns || rows <= columns;
        if (whole) expectClose([share.reduce((sum, value) => sum + value, 0)], [1], 1e-12);
        const gram = product(axes, transpose(axes, components, columns), components, components, columns);
        expectClose(gram, diagonal(new Float64Array(components).fill(1)), 1e-12);
        // Scores have the variances and nothing in common.
        const largest = Math.max(...variance);
        const common = covariance({ observations: rows, assets: components, values: scores }).out;
        expectClose(common, diagonal(variance), 1e-11 * largest);
      }),
    );
  });

  test('gives no scores that nobody asked for', () => {
    expect('scores' in pca({ observations, assets, components: 1, values })).toBe(false);
  });

  test('refuses NaN, and more components than there can be', () => {
    const bad = values.slice();
    bad[3] = Number.NaN;
    expect(() => pca({ observations, assets, components: 1, values: bad })).toThrow('element 3');
    expect(() => pca({ observations, assets, components: 6, values })).toThrow(ShapeMismatchError);
  });
});

describe('ledoitWolf', () => {
  test('equals scikit-learn and, towards constant correlation, PyPortfolioOpt', () => {
    const variance = ledoitWolf({ observations, assets, values });
    expectClose(variance.shrinkage, [golden.ledoit_wolf.variance_shrinkage], 1e-13);
    expectClose(variance.out, golden.ledoit_wolf.constant_variance, 1e-17);
    const correlation = ledoitWolf({ observations, assets, values, towards: 'constant_correlation' });
    expectClose(correlation.shrinkage, [golden.ledoit_wolf.correlation_shrinkage], 1e-12);
    expectClose(correlation.out, golden.ledoit_wolf.constant_correlation, 1e-16);
  });

  test('is positive definite even with fewer observations than assets, and shrinks by 0 to 1', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 2, max: 20 }),
        fc.nat(),
        (rows, n, seed) => {
          const panel = normal(rows * n, seed);
          const { out, shrinkage } = ledoitWolf({ observations: rows, assets: n, values: panel });
          expect(shrinkage[0]).toBeWithin(0, 1 + Number.EPSILON);
          expectSymmetric(out, n);
          const smallest = eigenvaluesSymmetric({ n, a: out }).values[0]!;
          if (shrinkage[0]! > 0.01) expect(smallest).toBeGreaterThan(0);
          const trace = (a: Float64Array) =>
            a.reduce((sum, value, at) => sum + (at % (n + 1) === 0 ? value : 0), 0);
          const plain = covariance({ observations: rows, assets: n, values: panel, ddof: 0 }).out;
          expectClose([trace(out)], [trace(plain)], 1e-12 * trace(plain));
        },
      ),
    );
  });

  test('refuses a constant column where correlations are needed, a single observation and infinity', () => {
    const panel = Float64Array.of(1, 5, 2, 5, 4, 5);
    const size = { observations: 3, assets: 2 };
    expect(() => ledoitWolf({ ...size, values: panel, towards: 'constant_correlation' })).toThrow(
      NotPositiveDefiniteError,
    );
    expect(() => ledoitWolf({ observations: 1, assets: 2, values: panel.slice(0, 2) })).toThrow(
      ShapeMismatchError,
    );
    panel[1] = Number.POSITIVE_INFINITY;
    expect(() => ledoitWolf({ ...size, values: panel })).toThrow(NonFiniteInputError);
  });
});

describe('nearestPsd', () => {
  for (const { n, a, expected } of golden.nearest_psd.cases) {
    test(`equals the example of order ${n} that Higham prints`, () => {
      const { out, iterations, change } = nearestPsd({ n, a: Float64Array.from(a), precision: 1e-12 });
      // Four digits are printed.
      expectClose(out, expected, 5.1e-5);
      expect(iterations[0]).toBeLessThan(1000);
      expect(change[0]).toBeLessThanOrEqual(1e-12);
    });
  }

  test('gives a unit diagonal (or the variances), no negative eigenvalue, and what is right already back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('correlation' as const, 'covariance' as const),
        fc.nat(),
        (n, form, seed) => {
          const draw = normal(n * n, seed);
          const size = (at: number) => (form === 'correlation' ? 1 : 1 + (at % 4));
          const a = new Float64Array(n * n);
          for (let i = 0; i < n; i++) {
            for (let j = 0; j <= i; j++)
              a[i * n + j] = (i === j ? 1 : Math.tanh(draw[i * n + j]!)) * size(i) * size(j);
          }
          const { out } = nearestPsd({ n, a, form });
          expectSymmetric(out, n);
          for (let i = 0; i < n; i++) expect(out[i * (n + 1)]).toBe(a[i * (n + 1)]!);
          expect(eigenvaluesSymmetric({ n, a: out }).values[0]!).toBeGreaterThanOrEqual(-1e-13 * 16);
          const again = nearestPsd({ n, a: out, form });
          expectClose(again.out, out, 1e-7);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is nearer than the matrix that rescaling the cut eigenvalues gives', () => {
    const n = 3;
    const a = Float64Array.of(1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1);
    const cut = nearestPsd({ n, a, form: 'symmetric' }).out;
    const rescaled = cut.map((value, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return value / Math.sqrt(cut[i * (n + 1)]! * cut[j * (n + 1)]!);
    });
    const distance = (b: Float64Array) => Math.hypot(...b.map((value, at) => value - a[at]!));
    expect(distance(nearestPsd({ n, a }).out)).toBeLessThanOrEqual(distance(rescaled));
    expect(distance(cut)).toBeLessThan(distance(nearestPsd({ n, a }).out));
  });

  test('keeps eigenvalues above a floor, stops after the iterations it is given, and can be cancelled', async () => {
    const a = Float64Array.of(1, 1, 0, 1, 1, 1, 0, 1, 1);
    const floor = nearestPsd({ n: 3, a, minEigenvalue: 0.1 }).out;
    expect(eigenvaluesSymmetric({ n: 3, a: floor }).values[0]!).toBeGreaterThan(0.0999);
    const few = nearestPsd({ n: 3, a, maxIterations: 2 });
    expect(few.iterations[0]).toBe(2);
    expect(few.change[0]).toBeGreaterThan(1e-3);
    const stop = AbortSignal.abort();
    await expect(nearestPsd.async({ n: 3, a }, stop)).rejects.toBeInstanceOf(CancelledError);
  });

  test('refuses variances that are not positive', () => {
    const a = Float64Array.of(1, 0, 0, -1);
    expect(() => nearestPsd({ n: 2, a, form: 'covariance' })).toThrow(NotPositiveDefiniteError);
    expect(() => nearestPsd({ n: 2, a, form: 'covariance' })).toThrow('row 1');
  });
});
