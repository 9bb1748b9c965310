// The twelve features of a bar in plain TypeScript: one loop for each indicator, state in local variables.
import { relativeStrength } from './rsi.ts';

/** The columns of one series that the features read. */
export interface SeriesBars {
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
}

/**
 * Writes the exponential average of `values` to `out`, NaN before its first value: the mean of `period` values from `from`
 * on, then `average + weight (value - average)`.
 */
function exponentialAverage(values: Float64Array, period: number, from: number, out: Float64Array): void {
  const first = from + period - 1;
  out.fill(Number.NaN, 0, first);
  let average = 0;
  for (let bar = from; bar <= first; bar++) average += values[bar]!;
  average /= period;
  out[first] = average;
  const weight = 2 / (period + 1);
  for (let bar = first + 1; bar < values.length; bar++) {
    average += weight * (values[bar]! - average);
    out[bar] = average;
  }
}

function convergence(
  close: Float64Array,
  line: Float64Array,
  signal: Float64Array,
  histogram: Float64Array,
): void {
  const [fast, slow, smoothed] = [12, 26, 9];
  exponentialAverage(close, fast, slow - fast, line);
  exponentialAverage(close, slow, 0, signal);
  for (let bar = slow - 1; bar < close.length; bar++) line[bar]! -= signal[bar]!;
  exponentialAverage(line, smoothed, slow - 1, signal);
  const first = slow + smoothed - 2;
  line.fill(Number.NaN, 0, first);
  for (let bar = 0; bar < close.length; bar++) histogram[bar] = line[bar]! - signal[bar]!;
}

function bands(close: Float64Array, upper: Float64Array, middle: Float64Array, lower: Float64Array): void {
  const period = 20;
  for (const out of [upper, middle, lower]) out.fill(Number.NaN, 0, period - 1);
  // Around the first close, so that the squares keep their digits.
  const origin = close[0]!;
  let sum = 0;
  let squares = 0;
  for (let bar = 0; bar < close.length; bar++) {
    const value = close[bar]! - origin;
    sum += value;
    squares += value * value;
    if (bar >= period) {
      const old = close[bar - period]! - origin;
      sum -= old;
      squares -= old * old;
    }
    if (bar < period - 1) continue;
    const mean = sum / period;
    const width = 2 * Math.sqrt(Math.max(squares / period - mean * mean, 0));
    middle[bar] = origin + mean;
    upper[bar] = origin + mean + width;
    lower[bar] = origin + mean - width;
  }
}

function averageRange({ high, low, close }: SeriesBars, period: number, out: Float64Array): void {
  out.fill(Number.NaN, 0, period);
  let average = 0;
  let previous = close[0]!;
  for (let bar = 1; bar < close.length; bar++) {
    const range = Math.max(high[bar]!, previous) - Math.min(low[bar]!, previous);
    previous = close[bar]!;
    if (bar <= period) average += range / period;
    else average = (average * (period - 1) + range) / period;
    if (bar >= period) out[bar] = average;
  }
}

/**
 * Writes the features of one series of at least 200 bars to twelve arrays: rsi 14, ema 12, 26, 50, 200, macd, its signal and
 * histogram, bands (upper, middle, lower), atr 14.
 */
export function seriesFeatures(bars: SeriesBars, out: readonly Float64Array[]): void {
  const { close } = bars;
  relativeStrength(close, 14, out[0]!);
  exponentialAverage(close, 12, 0, out[1]!);
  exponentialAverage(close, 26, 0, out[2]!);
  exponentialAverage(close, 50, 0, out[3]!);
  exponentialAverage(close, 200, 0, out[4]!);
  convergence(close, out[5]!, out[6]!, out[7]!);
  bands(close, out[8]!, out[9]!, out[10]!);
  averageRange(bars, 14, out[11]!);
}
