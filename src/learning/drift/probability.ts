// Tails of the distributions that tests of drift need: chi-square, also non-central, normal, Kolmogorov.

/** Coefficients of Lanczos' approximation with g = 7, relative error below 1e-14 (Godfrey 2001). */
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** Returns ln(Gamma(x)) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const at = x - 1;
  const base = at + 7.5;
  let sum = LANCZOS[0]!;
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (at + i);
  return 0.5 * Math.log(2 * Math.PI) + (at + 0.5) * Math.log(base) - base + Math.log(sum);
}

/**
 * Returns Q(a, x), the share of a gamma distribution of shape `a` > 0 above `x`: the series of P below a + 1, Lentz's continued fraction above
 * (Abramowitz and Stegun 6.5.29, 6.5.31). Relative error about 1e-12.
 */
export function gammaTail(a: number, x: number): number {
  if (x <= 0) return 1;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 100_000 && term > sum * 1e-16; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return Math.min(1, Math.max(0, 1 - front * sum));
  }
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 100_000; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    const step = d * c;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-15) break;
  }
  return front * fraction;
}

/** Returns the probability that a chi-square variable of `df` degrees of freedom is at least `x`; 1 without degrees of freedom. */
export const chi2Tail = (x: number, df: number): number => (df > 0 ? gammaTail(df / 2, x / 2) : 1);

/** Returns from where on a chi-square variable has the probability `p` in (0, 1), to 1e-10 of it. */
export function chi2Quantile(p: number, df: number): number {
  let high = Math.max(1, df);
  while (chi2Tail(high, df) > p) high *= 2;
  let low = 0;
  for (let round = 0; round < 200 && high - low > 1e-10 * high; round++) {
    const middle = (low + high) / 2;
    if (chi2Tail(middle, df) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Returns the probability that a non-central chi-square variable is at least `x`: central ones weighted by a Poisson variable of mean lambda / 2. */
export function noncentralChi2Tail(x: number, df: number, lambda: number): number {
  if (!(lambda > 0)) return chi2Tail(x, df);
  const mean = lambda / 2;
  // Twelve deviations about the mean leave less than 1e-30.
  const spread = 12 * Math.sqrt(mean) + 30;
  const first = Math.max(0, Math.floor(mean - spread));
  // So far above the critical value that nothing below it counts.
  if (df + lambda - 9 * Math.sqrt(2 * (df + 2 * lambda)) > x) return 1;
  let sum = 0;
  for (let j = first; j <= mean + spread; j++) {
    const weight = Math.exp(j * Math.log(mean) - mean - logGamma(j + 1));
    sum += weight * chi2Tail(x, df + 2 * j);
  }
  return Math.min(1, sum);
}

/** Returns the share of the standard normal distribution below `z`, to about 1e-12. */
export function normalCdf(z: number): number {
  const tail = gammaTail(0.5, (z * z) / 2) / 2;
  return z < 0 ? tail : 1 - tail;
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
