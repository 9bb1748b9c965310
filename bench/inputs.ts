// Inputs of the benches by formula, so that every side of a comparison (in rival.py too) computes with the same numbers.
import type { FloatArray } from '../src/native/index.ts';

/** Returns `sin(at * factor)` for each place of an array. */
export function wave(length: number, factor: number): Float64Array {
  return Float64Array.from({ length }, (_, at) => Math.sin(at * factor));
}

/** Fills a [bars, series] panel with prices between 89.5 and 110.5 that swing slowly and flutter. */
export function fillPrices(out: FloatArray, series: number): void {
  for (let at = 0; at < out.length; at++) {
    const bar = Math.floor(at / series);
    out[at] = 100 + 10 * Math.sin(0.01 * bar + (at - bar * series)) + 0.5 * Math.sin(at * 12.9898);
  }
}

/** Returns the columns of a [bars, series] panel, each as an array of its own. */
export function columnsOf(panel: Float64Array, series: number): Float64Array[] {
  return Array.from({ length: series }, (_, column) => {
    const one = new Float64Array(panel.length / series);
    for (let bar = 0; bar < one.length; bar++) one[bar] = panel[bar * series + column]!;
    return one;
  });
}

/** The columns of bars around a [bars, series] panel of closes, as every indicator may need them. */
export function barsAround(
  close: Float64Array,
): Record<'open' | 'high' | 'low' | 'close' | 'volume', Float64Array> {
  return {
    open: close.map((value) => value * 0.999),
    high: close.map((value) => value * 1.002),
    low: close.map((value) => value * 0.998),
    close,
    volume: Float64Array.from({ length: close.length }, (_, at) => 1000 + 500 * Math.sin(at)),
  };
}
