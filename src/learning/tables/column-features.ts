// Features of one series of numbers: lags, changes, ratios, moments of a window.
import type { FeatureSpec, SpecOf } from './feature-specs.ts';

/** Kinds that read columns number by number. */
export type ColumnSpec = Exclude<FeatureSpec, SpecOf<'bars'> | SpecOf<'indicator'> | SpecOf<'cross_section'>>;

/** Returns [rows]: the feature of a series `x`, for a ratio beside `y`. NaN where it has no value. */
export function columnFeature(spec: ColumnSpec, x: Float64Array, y: Float64Array = x): Float64Array {
  const out = new Float64Array(x.length).fill(Number.NaN);
  const give = (i: number, value: number) => {
    if (Number.isFinite(value)) out[i] = value;
  };
  switch (spec.kind) {
    case 'value':
      for (let i = spec.lag; i < x.length; i++) give(i, x[i - spec.lag]!);
      break;
    case 'difference':
      for (let i = spec.periods; i < x.length; i++) give(i, x[i]! - x[i - spec.periods]!);
      break;
    case 'log_return':
      for (let i = spec.periods; i < x.length; i++) give(i, logReturn(x[i - spec.periods]!, x[i]!));
      break;
    case 'ratio':
      for (let i = spec.lag; i < x.length; i++) give(i, x[i]! / y[i - spec.lag]!);
      break;
    case 'volatility': {
      const returns = x.map((value, i) => (i === 0 ? Number.NaN : logReturn(x[i - 1]!, value)));
      for (let i = spec.window; i < x.length; i++) give(i, moments(returns, i, spec.window).deviation);
      break;
    }
    case 'z_score':
      for (let i = spec.window - 1; i < x.length; i++) {
        const { mean, deviation } = moments(x, i, spec.window);
        give(i, deviation > 0 ? (x[i]! - mean) / deviation : Number.isFinite(mean) ? 0 : Number.NaN);
      }
  }
  return out;
}

/** Returns ln(to / from), NaN unless both are positive. */
export function logReturn(from: number, to: number): number {
  return from > 0 && to > 0 ? Math.log(to / from) : Number.NaN;
}

// Sample moments of the window that ends at `i`, two passes: exact enough for any scale, and a missing value makes both NaN.
function moments(x: Float64Array, i: number, size: number): { mean: number; deviation: number } {
  let sum = 0;
  let flat = true;
  for (let k = i - size + 1; k <= i; k++) {
    sum += x[k]!;
    flat &&= x[k] === x[i];
  }
  // The mean of equal numbers is rounded, and would leave a deviation that is none.
  if (flat) return { mean: x[i]!, deviation: 0 };
  const mean = sum / size;
  let squares = 0;
  for (let k = i - size + 1; k <= i; k++) squares += (x[k]! - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / (size - 1)) };
}
