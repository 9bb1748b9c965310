// Count, mean and sum of squared deviations of numbers, one by one or merged: what a comparison needs, and all that is kept.

/** Moments of `n` numbers; `m2` is the sum of squared deviations from the mean. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  readonly m2: number;
}

/** Of no numbers. */
export const NO_MOMENTS: Moments = { n: 0, mean: 0, m2: 0 };

/** Returns the moments of both. Source: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm" (1979). */
export function merged(a: Moments, b: Moments): Moments {
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const n = a.n + b.n;
  const between = b.mean - a.mean;
  return {
    n,
    mean: a.mean + (between * b.n) / n,
    m2: a.m2 + b.m2 + (between * between * a.n * b.n) / n,
  };
}

/** Returns the moments with one finite number more. */
export function withValue(a: Moments, value: number): Moments {
  return merged(a, { n: 1, mean: value, m2: 0 });
}

/** Returns the moments of finite numbers. */
export function momentsOf(values: Iterable<number>): Moments {
  let all = NO_MOMENTS;
  for (const value of values) all = withValue(all, value);
  return all;
}

/** Returns the variance with n - 1 below; 0 for fewer than two numbers. */
export function varianceOf({ n, m2 }: Moments): number {
  return n < 2 ? 0 : m2 / (n - 1);
}
