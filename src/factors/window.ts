// Sums over a slice of an array, shared by the factor formulas. All take two passes: exact means before deviations.

/**
 * Mean squared deviation at or below which a window of returns counts as constant: rounding of a quotient of prices
 * alone leaves returns of about 1e-16, whose higher moments would be noise.
 */
export const FLAT = 1e-30;

/** Returns the mean of `values[from..to)`. */
export function mean(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] as number;
  return sum / (to - from);
}

/** Returns the sum of squared deviations from the mean over `values[from..to)`. */
export function squaredDeviations(values: Float64Array, from: number, to: number): number {
  const centre = mean(values, from, to);
  let sum = 0;
  for (let i = from; i < to; i++) sum += ((values[i] as number) - centre) ** 2;
  return sum;
}

/** Returns the sample standard deviation (ddof 1) of `values[from..to)`. */
export function sampleDeviation(values: Float64Array, from: number, to: number): number {
  return Math.sqrt(squaredDeviations(values, from, to) / (to - from - 1));
}

/** Returns the largest of `values[from..to)`; -Infinity when empty. */
export function largest(values: Float64Array, from: number, to: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i++) top = Math.max(top, values[i] as number);
  return top;
}

/** Central moments two, three and four (ddof 0) of `values[from..to)`. */
export function centralMoments(
  values: Float64Array,
  from: number,
  to: number,
): [m2: number, m3: number, m4: number] {
  const centre = mean(values, from, to);
  const count = to - from;
  let m2 = 0;
  let m3 = 0;
  let m4 = 0;
  for (let i = from; i < to; i++) {
    const deviation = (values[i] as number) - centre;
    const square = deviation * deviation;
    m2 += square;
    m3 += square * deviation;
    m4 += square * square;
  }
  return [m2 / count, m3 / count, m4 / count];
}
