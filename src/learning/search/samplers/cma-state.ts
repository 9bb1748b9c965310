// The state of CMA-ES and one generation of it: Hansen 2016, The CMA evolution strategy: a tutorial (arXiv 1604.00772), equations by their numbers.
import { eigenSymmetric } from '../../../native/index.ts';

/** Constants of the strategy for `n` dimensions and generations of `lambda`. */
export interface CmaConstants {
  readonly n: number;
  readonly lambda: number;
  /** [lambda], of the best first; the first half is positive with sum 1 (49, 53). */
  readonly weights: Float64Array;
  readonly muEff: number;
  readonly c1: number;
  readonly cMu: number;
  readonly cSigma: number;
  readonly dSigma: number;
  readonly cC: number;
  /** Expected length of a standard normal vector. */
  readonly chi: number;
}

/** Where the search is before a generation. Matrices are [n, n] by rows. */
export interface CmaState {
  readonly generation: number;
  readonly mean: Float64Array;
  readonly sigma: number;
  readonly covariance: Float64Array;
  readonly pathSigma: Float64Array;
  readonly pathC: Float64Array;
  /** Symmetric root of the covariance, and its inverse. */
  readonly root: Float64Array;
  readonly inverseRoot: Float64Array;
}

/** Returns the size of a generation (48). */
export const defaultLambda = (n: number) => 4 + Math.floor(3 * Math.log(n));

/** Returns the default constants (48 to 58), with negative weights for the worse half. */
export function cmaConstants(n: number, lambda: number): CmaConstants {
  const mu = lambda >> 1;
  const raw = Float64Array.from({ length: lambda }, (_, at) => Math.log((lambda + 1) / 2) - Math.log(at + 1));
  const effective = (part: Float64Array) => sum(part) ** 2 / sum(part.map((weight) => weight * weight));
  const muEff = effective(raw.subarray(0, mu));
  const muEffMinus = effective(raw.subarray(mu));
  const c1 = 2 / ((n + 1.3) ** 2 + muEff);
  const cMu = Math.min(1 - c1 - 1e-8, (2 * (muEff - 2 + 1 / muEff)) / ((n + 2) ** 2 + muEff));
  const negative = Math.min(1 + c1 / cMu, 1 + (2 * muEffMinus) / (muEff + 2), (1 - c1 - cMu) / (n * cMu));
  const above = sum(raw.map((weight) => Math.max(0, weight)));
  const below = sum(raw.map((weight) => Math.max(0, -weight)));
  const cSigma = (muEff + 2) / (n + muEff + 5);
  return {
    n,
    lambda,
    weights: raw.map((weight) => (weight >= 0 ? weight / above : (negative * weight) / below)),
    muEff,
    c1,
    cMu,
    cSigma,
    dSigma: 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma,
    cC: (4 + muEff / n) / (n + 4 + (2 * muEff) / n),
    chi: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  };
}

/** Returns the state of a search that begins around `mean`. */
export function beginCma(mean: Float64Array, sigma: number): CmaState {
  const n = mean.length;
  const identity = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  const zero = new Float64Array(n);
  return {
    generation: 0,
    mean,
    sigma,
    covariance: identity,
    pathSigma: zero,
    pathC: zero,
    root: identity,
    inverseRoot: identity,
  };
}

/**
 * Returns the state after a generation: `best` are the places of its trials, [n] each, the best first. There may be fewer than lambda: those that failed come
 * last without a weight of their own, and the positive weights are scaled to sum 1.
 */
export function nextCma(constants: CmaConstants, state: CmaState, best: readonly Float64Array[]): CmaState {
  const { n, lambda, muEff, c1, cMu, cSigma, dSigma, cC, chi } = constants;
  if (best.length === 0) return state;
  const weights = constants.weights.slice(0, best.length);
  const kept = sum(weights.map((weight) => Math.max(0, weight)));
  for (let at = 0; at < weights.length; at++) if (weights[at]! > 0) weights[at]! /= kept;

  const steps = best.map((place) => place.map((x, i) => (x - state.mean[i]!) / state.sigma));
  const step = new Float64Array(n);
  for (const [at, y] of steps.entries()) {
    if (at < lambda >> 1) for (let i = 0; i < n; i++) step[i]! += weights[at]! * y[i]!;
  }
  const mean = state.mean.map((m, i) => m + state.sigma * step[i]!);

  // Step size (43, 44).
  const white = times(state.inverseRoot, step);
  const pace = Math.sqrt(cSigma * (2 - cSigma) * muEff);
  const pathSigma = state.pathSigma.map((p, i) => (1 - cSigma) * p + pace * white[i]!);
  const length = Math.sqrt(dot(pathSigma, pathSigma));
  const sigma = Math.min(1, state.sigma * Math.exp((cSigma / dSigma) * (length / chi - 1)));

  // Covariance (45 to 47).
  const settled = Math.sqrt(1 - (1 - cSigma) ** (2 * (state.generation + 2)));
  const moves = length / settled < (1.4 + 2 / (n + 1)) * chi ? 1 : 0;
  const drift = moves * Math.sqrt(cC * (2 - cC) * muEff);
  const pathC = state.pathC.map((p, i) => (1 - cC) * p + drift * step[i]!);
  const keep = 1 + c1 * (1 - moves) * cC * (2 - cC) - c1 - cMu * sum(weights);
  const covariance = state.covariance.map((c) => keep * c);
  addOuter(covariance, pathC, c1);
  for (const [at, y] of steps.entries()) {
    const weight = weights[at]!;
    const z = weight < 0 ? times(state.inverseRoot, y) : y;
    addOuter(covariance, y, cMu * (weight < 0 ? (weight * n) / (dot(z, z) + 1e-8) : weight));
  }
  return {
    generation: state.generation + 1,
    mean,
    sigma,
    covariance,
    pathSigma,
    pathC,
    ...rootsOf(covariance, n),
  };
}

/** Returns the symmetric root and its inverse: unlike factors of eigenvectors they do not jump where eigenvalues meet. */
function rootsOf(covariance: Float64Array, n: number): Pick<CmaState, 'root' | 'inverseRoot'> {
  const { values, vectors } = eigenSymmetric({ a: covariance, n });
  const root = new Float64Array(n * n);
  const inverseRoot = new Float64Array(n * n);
  const least = 1e-14 * values[n - 1]!;
  for (let k = 0; k < n; k++) {
    const length = Math.sqrt(Math.max(values[k]!, least));
    const vector = vectors.subarray(k * n, (k + 1) * n) as Float64Array;
    addOuter(root, vector, length);
    addOuter(inverseRoot, vector, 1 / length);
  }
  return { root, inverseRoot };
}

/** Adds `factor` times the product of a vector with itself to a matrix. */
function addOuter(matrix: Float64Array, vector: Float64Array, factor: number): void {
  const n = vector.length;
  for (let i = 0; i < n; i++) {
    const part = factor * vector[i]!;
    for (let j = 0; j < n; j++) matrix[i * n + j]! += part * vector[j]!;
  }
}

/** Returns a matrix times a vector. */
export function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const n = vector.length;
  return Float64Array.from({ length: n }, (_, i) => dot(matrix.subarray(i * n, (i + 1) * n), vector));
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
