// Quantiles and tails that tests of drift need beside the common ones: chi-square, also non-central, and Kolmogorov's.
import { chiSquareTail, logGamma } from '../../core/special.ts';

/** Returns from where on a chi-square variable has the probability `p` in (0, 1), to 1e-10 of it. */
export function chi2Quantile(p: number, df: number): number {
  let high = Math.max(1, df);
  while (chiSquareTail(high, df) > p) high *= 2;
  let low = 0;
  for (let round = 0; round < 200 && high - low > 1e-10 * high; round++) {
    const middle = (low + high) / 2;
    if (chiSquareTail(middle, df) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Returns the probability that a non-central chi-square variable is at least `x`: central ones weighted by a Poisson variable of mean lambda / 2. */
export function noncentralChi2Tail(x: number, df: number, lambda: number): number {
  if (!(lambda > 0)) return chiSquareTail(x, df);
  const mean = lambda / 2;
  // Twelve deviations about the mean leave less than 1e-30.
  const spread = 12 * Math.sqrt(mean) + 30;
  const first = Math.max(0, Math.floor(mean - spread));
  // So far above the critical value that nothing below it counts.
  if (df + lambda - 9 * Math.sqrt(2 * (df + 2 * lambda)) > x) return 1;
  let sum = 0;
  for (let j = first; j <= mean + spread; j++) {
    const weight = Math.exp(j * Math.log(mean) - mean - logGamma(j + 1));
    sum += weight * chiSquareTail(x, df + 2 * j);
  }
  return Math.min(1, sum);
}

/** Returns P(K >= z) of Kolmogorov's distribution; the second series converges fast where the first does not. */
export function kolmogorovTail(z: number): number {
  if (!(z > 0)) return 1;
  let sum = 0;
  if (z < 1) {
    for (let k = 1; k <= 9; k += 2) sum += Math.exp((-k * k * Math.PI * Math.PI) / (8 * z * z));
    return Math.min(1, Math.max(0, 1 - (Math.sqrt(2 * Math.PI) / z) * sum));
  }
  for (let k = 1; k <= 6; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * z * z);
  return Math.min(1, Math.max(0, sum));
}

/** Returns from where on Kolmogorov's variable has the probability `alpha`, by the first term of its series: exact to 1e-5 below 0.3. */
export const kolmogorovQuantile = (alpha: number): number => Math.sqrt(-Math.log(alpha / 2) / 2);
