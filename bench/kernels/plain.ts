// The textbook loops that kernels are compared with, as a careful author of plain TypeScript would write them.
import type { FloatArray } from '../../src/native/index.ts';

/** Writes the product of two [n, n] matrices to `out`: row i of a times column j of b. */
export function tripleLoop(n: number, a: FloatArray, b: FloatArray, out: FloatArray): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < n; p++) sum += a[i * n + p]! * b[p * n + j]!;
      out[i * n + j] = sum;
    }
  }
}

/**
 * Writes the relative strength index (Wilder 1978) of `close` [bars, series] to `out`; NaN before the first value. The
 * state of each series is in two arrays.
 */
export function plainRsi(
  bars: number,
  series: number,
  period: number,
  close: FloatArray,
  out: FloatArray,
): void {
  const gains = new Float64Array(series);
  const losses = new Float64Array(series);
  out.fill(Number.NaN, 0, Math.min(period, bars) * series);
  for (let bar = 1; bar < bars; bar++) {
    for (let column = 0; column < series; column++) {
      const at = bar * series + column;
      const change = close[at]! - close[at - series]!;
      const gain = Math.max(change, 0);
      const loss = Math.max(-change, 0);
      if (bar <= period) {
        gains[column]! += bar === period ? 0 : gain;
        losses[column]! += bar === period ? 0 : loss;
        if (bar < period) continue;
        gains[column] = (gains[column]! + gain) / period;
        losses[column] = (losses[column]! + loss) / period;
      } else {
        gains[column] = (gains[column]! * (period - 1) + gain) / period;
        losses[column] = (losses[column]! * (period - 1) + loss) / period;
      }
      const total = gains[column]! + losses[column]!;
      out[at] = total === 0 ? 50 : 100 * (gains[column]! / total);
    }
  }
}

/** Fills a [bars, series] panel with prices that wander around 100 and stay above 1, the same each time. */
export function fillPrices(close: FloatArray, series: number): void {
  for (let at = 0; at < close.length; at++) {
    close[at] = at < series ? 100 : Math.max(1, close[at - series]! + Math.sin(at * 12.9898));
  }
}
