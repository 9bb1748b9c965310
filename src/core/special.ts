// Special functions of statistics: gamma, beta and digamma, and the tails of distributions that are made of them.

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;
const TINY = 1e-300;
/** Terms of a series or fraction; one of shape a needs a few times the root of a. */
const STEPS = 100_000;

/** Returns ln of the gamma function of x > 0, within 1e-14 relative or absolute: Lanczos 1964 with g = 7 and n = 9. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  let sum = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (z + i);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Returns ln of the beta function of a, b > 0. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** Returns the regularised incomplete beta function, for x in [0, 1]: Lentz's continued fraction (Numerical Recipes, 6.4). */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b));
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m < STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return (front * h) / a;
}

const away = (x: number) => (Math.abs(x) < TINY ? TINY : x);

/**
 * Returns Q(a, x), the probability that a gamma variable of shape a > 0 is at least x, within about 1e-10 relative: the series of P below a + 1,
 * Lentz's continued fraction above (Numerical Recipes, 6.2). NaN for NaN.
 */
export function gammaTail(a: number, x: number): number {
  if (!(x > 0)) return Number.isNaN(x) ? Number.NaN : 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const front = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < STEPS && term > sum * 1e-17; n++) {
      term *= x / (a + n);
      sum += term;
    }
    return Math.max(0, 1 - front * sum);
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < STEPS; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / away(factor * d + b);
    c = away(b + factor / c);
    h *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return front * h;
}

/** Returns the probability that a chi-square variable of `freedom` degrees is at least x; 1 without a degree of freedom, NaN for NaN. */
export function chiSquareTail(x: number, freedom: number): number {
  return freedom > 0 ? gammaTail(freedom / 2, x / 2) : 1;
}

/** Returns the probability that |t| of Student's distribution is at least that large. 0 < freedom; NaN for NaN. */
export function studentTail(t: number, freedom: number): number {
  if (!Number.isFinite(t)) return Number.isNaN(t) ? Number.NaN : 0;
  const square = t * t;
  // Near 0 the quotient below is 1, and t would be lost.
  if (square < 1) return 1 - incompleteBeta(square / (freedom + square), 0.5, freedom / 2);
  return incompleteBeta(freedom / (freedom + square), freedom / 2, 0.5);
}

/** Returns the share of the standard normal distribution below z, within about 1e-12. */
export function normalCdf(z: number): number {
  const tail = gammaTail(0.5, (z * z) / 2) / 2;
  return z < 0 ? tail : 1 - tail;
}

const EULER = 0.5772156649015329;
const harmonics: number[] = [0];

/** Returns the digamma function of an integer n of at least 1: the harmonic number of n - 1, less Euler's constant. */
export function digamma(n: number): number {
  for (let k = harmonics.length; k < n; k++) harmonics.push(harmonics[k - 1]! + 1 / k);
  return harmonics[n - 1]! - EULER;
}
