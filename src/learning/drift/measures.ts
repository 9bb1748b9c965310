// How far two distributions are apart: statistic, p-value, size of the effect and power of each measure.
import { chiSquareTail, normalCdf } from '../../core/special.ts';
import { ksTwoSample } from '../../native/index.ts';
import { nearest, type Shares } from './bins.ts';
import type { Distribution } from './distribution.ts';
import { chi2Quantile, kolmogorovQuantile, kolmogorovTail, noncentralChi2Tail } from './probability.ts';
import type { TestResult } from './types.ts';

/** Rows with a value on both sides, the level and the size that counts as drift. */
export interface Sizes {
  readonly n: number;
  readonly m: number;
  readonly alpha: number;
  readonly threshold: number;
}

/** Shares below this count as this in PSI, as in the kernel `population_stability`. */
export const PSI_FLOOR = 1e-4;
/** n m up to which the exact tail of Kolmogorov and Smirnov is taken. */
const EXACT_PAIRS = 100_000;
/** Rows that two samples of one size would have with the same precision, halved: n m / (n + m). */
const effective = ({ n, m }: Sizes) => (n * m) / (n + m);

const critical = new Map<string, number>();
function criticalChi2(alpha: number, df: number): number {
  const key = `${alpha}/${df}`;
  const known = critical.get(key) ?? chi2Quantile(alpha, df);
  if (critical.size > 1000) critical.clear();
  critical.set(key, known);
  return known;
}

/** Returns the power of a chi-square test whose statistic is `lambda` above its degrees of freedom in the mean. */
function chi2Power(lambda: number, df: number, alpha: number): number | null {
  return df > 0 ? noncentralChi2Tail(criticalChi2(alpha, df), df, lambda) : null;
}

/** Calls `visit` with the shares of both sides up to each of their values, and that value. */
function walk(a: Distribution, b: Distribution, visit: (value: number, one: number, other: number) => void) {
  let [i, j] = [0, 0];
  while (i < a.values.length || j < b.values.length) {
    const value = Math.min(a.values[i] ?? Number.POSITIVE_INFINITY, b.values[j] ?? Number.POSITIVE_INFINITY);
    if (a.values[i] === value) i += 1;
    if (b.values[j] === value) j += 1;
    visit(value, i > 0 ? a.upTo[i - 1]! / a.rows : 0, j > 0 ? b.upTo[j - 1]! / b.rows : 0);
  }
}

/** The rows of a distribution that is exact. */
function rowsOf({ values, upTo, rows }: Distribution): Float64Array {
  const all = new Float64Array(rows);
  let from = 0;
  for (let i = 0; i < values.length; i++) {
    all.fill(values[i]!, from, upTo[i]!);
    from = upTo[i]!;
  }
  return all;
}

/**
 * Kolmogorov-Smirnov: the largest distance D of the distribution functions. p is exact while n m is at most 100,000 and every value is known, else
 * Kolmogorov's limit, with D less the error of both sketches: never too small. Power: a distance of the threshold, seen at its own place alone,
 * with the largest variance that shares have there (after Massey 1951): a lower bound.
 */
export function kolmogorovSmirnov(a: Distribution, b: Distribution, sizes: Sizes): TestResult {
  let d = 0;
  walk(a, b, (_, one, other) => {
    d = Math.max(d, Math.abs(one - other));
  });
  const rows = effective(sizes);
  const root = Math.sqrt(rows);
  const exact = a.error + b.error === 0;
  const p =
    exact && sizes.n * sizes.m <= EXACT_PAIRS
      ? ksTwoSample({ n: sizes.n, m: sizes.m, a: rowsOf(a), b: rowsOf(b) }).pValue[0]!
      : kolmogorovTail(root * Math.max(0, d - a.error - b.error));
  const least = kolmogorovQuantile(sizes.alpha) / root;
  const power = normalCdf((sizes.threshold - least) * 2 * root);
  return { statistic: d, p, effect: { name: 'ks', value: d, threshold: sizes.threshold }, power };
}

/** Population stability index over the bins. Without drift PSI n m / (n + m) is about chi-square with a degree of freedom less than bins (Yurdakul 2018). */
export function stability(shares: Shares, sizes: Sizes): TestResult {
  const index = (current: Float64Array) => {
    let sum = 0;
    for (let bin = 0; bin < current.length; bin++) {
      const one = Math.max(shares.reference[bin]!, PSI_FLOOR);
      const other = Math.max(current[bin]!, PSI_FLOOR);
      sum += (other - one) * Math.log(other / one);
    }
    return sum;
  };
  const psi = index(shares.current);
  const df = shares.current.length - 1;
  const p = chiSquareTail(index(nearest(shares)) * effective(sizes), df);
  const power = chi2Power(sizes.threshold * effective(sizes), df, sizes.alpha);
  return { statistic: psi, p, effect: { name: 'psi', value: psi, threshold: sizes.threshold }, power, df };
}

/** Jensen-Shannon distance (0 to sqrt(ln 2)) over the bins. Without drift 8 JS^2 n m / (n + m) is about chi-square. */
export function jensenShannon(shares: Shares, sizes: Sizes): TestResult {
  const divergence = (current: Float64Array) => {
    let sum = 0;
    for (let bin = 0; bin < current.length; bin++) {
      const p = shares.reference[bin]!;
      const q = current[bin]!;
      const middle = (p + q) / 2;
      if (p > 0) sum += 0.5 * p * Math.log(p / middle);
      if (q > 0) sum += 0.5 * q * Math.log(q / middle);
    }
    return Math.max(0, sum);
  };
  const distance = Math.sqrt(divergence(shares.current));
  const df = shares.current.length - 1;
  const p = chiSquareTail(8 * divergence(nearest(shares)) * effective(sizes), df);
  const power = chi2Power(8 * sizes.threshold ** 2 * effective(sizes), df, sizes.alpha);
  const effect = { name: 'js', value: distance, threshold: sizes.threshold };
  return { statistic: distance, p, effect, power, df };
}

/** Wasserstein-1 distance, in units of the column; the effect is in standard deviations of the reference, null where that has none. */
export function wasserstein(a: Distribution, b: Distribution, std: number, threshold: number): TestResult {
  let sum = 0;
  let before = 0;
  let gap = 0;
  walk(a, b, (value, one, other) => {
    if (gap > 0) sum += gap * (value - before);
    before = value;
    gap = Math.abs(one - other);
  });
  const finite = Number.isFinite(sum);
  const value = finite && std > 0 ? sum / std : null;
  return {
    statistic: finite ? sum : null,
    p: null,
    effect: { name: 'wasserstein_normed', value, threshold },
    power: null,
  };
}

/**
 * Pearson's chi-square of homogeneity over shares of categories. The effect is Cramer's V that two samples of one size with these shares would have,
 * sqrt(sum of (p - q)^2 / (2 (p + q))), 0 to 1: it depends neither on the rows nor on how they are divided.
 */
export function chiSquare(shares: Shares, sizes: Sizes): TestResult {
  const { n, m } = sizes;
  const { reference } = shares;
  const statistic = (current: Float64Array) => {
    let sum = 0;
    for (const [i, p] of reference.entries()) {
      const q = current[i]!;
      const both = (n * p + m * q) / (n + m);
      if (both > 0) sum += (n * (p - both) ** 2 + m * (q - both) ** 2) / both;
    }
    return sum;
  };
  let sum = 0;
  for (const [i, p] of reference.entries()) {
    const q = shares.current[i]!;
    if (p + q > 0) sum += (p - q) ** 2 / (2 * (p + q));
  }
  const df = reference.length - 1;
  const power = chi2Power(4 * sizes.threshold ** 2 * effective(sizes), df, sizes.alpha);
  const effect = { name: 'cramers_v', value: Math.sqrt(sum), threshold: sizes.threshold };
  return {
    statistic: statistic(shares.current),
    p: chiSquareTail(statistic(nearest(shares)), df),
    effect,
    power,
    df,
  };
}

/** Returns the p-value of a change of a share, `a` of `n` rows to `b` of `m`: chi-square of four cells with Yates' correction, which is cautious for few rows. */
export function shareChange(a: number, n: number, b: number, m: number): number {
  const cells = (a + b) * (n + m - a - b);
  if (cells === 0 || n === 0 || m === 0) return 1;
  const off = Math.max(0, Math.abs(a * (m - b) - b * (n - a)) - (n + m) / 2);
  return chiSquareTail(((n + m) * off * off) / (cells * n) / m, 1);
}
