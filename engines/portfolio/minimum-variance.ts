// Minimum-variance weights of a set of assets, through the addon's covariance and Cholesky solver.
import {
  InsufficientHistoryError,
  InvalidOptionError,
  NonFiniteInputError,
  ShapeMismatchError,
} from '../../src/core/errors.ts';
import { covariance, NotPositiveDefiniteError, solveSpd } from '../../src/native/index.ts';

/**
 * An asset whose variance the others explain to all but this share (1 / variance inflation factor) has no weight of its
 * own: the weights would keep fewer than 6 of 16 digits.
 */
const MIN_OWN_VARIANCE = 1e-10;

/**
 * Returns the weights w = S^-1 1 / (1' S^-1 1) of the portfolio of least variance, where S is the covariance (ddof 1) of
 * `returns` [observations, assets], row = one observation, simple returns. Weights sum to 1 and may be negative. The
 * system is solved on the correlation, so that assets of very different variance lose no digits.
 * Throws InvalidOptionError (a symbol twice), ShapeMismatchError, NonFiniteInputError, InsufficientHistoryError (needs
 * more observations than assets) and NotPositiveDefiniteError (constant or linearly dependent returns).
 * Source: Merton, "An Analytic Derivation of the Efficient Portfolio Frontier" (1972). Cost observations x assets^2,
 * off the thread of the caller.
 */
export async function minimumVariance(symbols: readonly string[], returns: readonly (readonly number[])[]) {
  const started = performance.now();
  const assets = symbols.length;
  const observations = returns.length;
  check(symbols, returns);

  const { out: matrix, ...ran } = await covariance.async({
    observations,
    assets,
    values: flat(returns, assets),
  });
  if (!matrix.every(Number.isFinite))
    throw new NonFiniteInputError('Expected returns whose squares are within the range of float64');

  const deviation = Float64Array.from({ length: assets }, (_, i) => Math.sqrt(matrix[i * assets + i]!));
  // Returns that differ by a few epsilons are equal but for rounding, which is no variance.
  const constant = deviation.findIndex((d, j) => d <= 8 * Number.EPSILON * largest(returns, j));
  if (constant >= 0) {
    const pointer = `/symbols/${constant}`;
    throw new NotPositiveDefiniteError('Expected returns that vary for every symbol', [
      { pointer, expected: 'returns that vary', received: 'constant' },
    ]);
  }
  const weights = await solve(matrix, deviation, assets);
  const variance = quadratic(matrix, weights, assets);

  return {
    weights: Object.fromEntries(symbols.map((symbol, i) => [symbol, weights[i]!])),
    expected_volatility: Math.sqrt(variance),
    observations,
    constraint: 'weights sum to 1; short positions allowed' as const,
    hardware_used: ran.backend,
    backend: ran.target,
    processing_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
  };
}

function check(symbols: readonly string[], returns: readonly (readonly number[])[]): void {
  const twice = symbols.findIndex((symbol, i) => symbols.indexOf(symbol) !== i);
  if (twice >= 0) {
    throw new InvalidOptionError('Expected each symbol once', [
      { pointer: `/symbols/${twice}`, expected: 'each symbol once', received: 'repeated' },
    ]);
  }
  const ragged = returns.findIndex((row) => row.length !== symbols.length);
  if (ragged >= 0) {
    const expected = `${symbols.length} returns, one per symbol`;
    const received = `${returns[ragged]!.length} returns`;
    throw new ShapeMismatchError(`Expected ${expected} for /returns/${ragged}, was ${received}`, [
      { pointer: `/returns/${ragged}`, expected, received },
    ]);
  }
  returns.forEach((row, i) => {
    const j = row.findIndex((x) => !Number.isFinite(x));
    if (j < 0) return;
    const pointer = `/returns/${i}/${j}`;
    throw new NonFiniteInputError(`Expected a finite number for ${pointer}`, [
      { pointer, expected: 'a finite number', received: 'not finite' },
    ]);
  });
  if (returns.length <= symbols.length) {
    const needed = symbols.length + 1;
    throw new InsufficientHistoryError(
      `Expected more observations than symbols: at least ${needed}, was ${returns.length}`,
      needed,
      returns.length,
    );
  }
}

function largest(returns: readonly (readonly number[])[], column: number): number {
  return returns.reduce((most, row) => Math.max(most, Math.abs(row[column]!)), 0);
}

function flat(returns: readonly (readonly number[])[], assets: number): Float64Array {
  const values = new Float64Array(returns.length * assets);
  returns.forEach((row, i) => {
    values.set(row, i * assets);
  });
  return values;
}

/** Solves on the correlation with the identity beside the right-hand side: its inverse tells how dependent assets are. */
async function solve(covariance: Float64Array, deviation: Float64Array, n: number): Promise<Float64Array> {
  const columns = n + 1;
  const correlation = new Float64Array(n * n);
  const right = new Float64Array(n * columns);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      correlation[i * n + j] = i === j ? 1 : covariance[i * n + j]! / (deviation[i]! * deviation[j]!);
    }
    right[i * columns + i] = 1;
    right[i * columns + n] = 1 / deviation[i]!;
  }
  const { x } = await solveSpd.async({ n, nrhs: columns, a: correlation, b: right });
  for (let i = 0; i < n; i++) {
    if (x[i * columns + i]! * MIN_OWN_VARIANCE < 1) continue;
    throw new NotPositiveDefiniteError('Expected returns that are linearly independent', [
      { pointer: `/symbols/${i}`, expected: 'returns that the other symbols do not determine' },
    ]);
  }
  const weights = Float64Array.from({ length: n }, (_, i) => x[i * columns + n]! / deviation[i]!);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / sum);
}

function quadratic(matrix: Float64Array, x: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sum += x[i]! * matrix[i * n + j]! * x[j]!;
  return sum;
}
