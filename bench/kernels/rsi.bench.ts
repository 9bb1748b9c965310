// Relative strength index of a panel against the plain TypeScript loop. Hot path: the features of all symbols of one
// scan. A regression would mean lost SIMD lanes, a tile that no longer fits the cache, or a copy at the border.
import { type FloatArray, rsi } from '../../src/native/index.ts';
import { comparePairs, formatPairs } from '../pairs.ts';
import { forEachDtype } from './fresh.ts';
import { stamp } from './stamp.ts';

const period = 14;

/** The plain loop over bars and series; the state of each series is in two arrays, as a careful author would write it. */
function plainLoop(bars: number, series: number, close: FloatArray, out: FloatArray): void {
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

/** Measures one element type and prints one line for each shape; a plain copy is the floor of memory traffic. */
async function main(dtype: 'f64' | 'f32'): Promise<void> {
  console.log(stamp());
  const make = (length: number): FloatArray =>
    dtype === 'f64' ? new Float64Array(length) : new Float32Array(length);
  for (const [bars, series] of [
    [1000, 1],
    [1000, 8],
    [1000, 100],
    [5000, 512],
  ] as const) {
    const length = bars * series;
    const close = make(length);
    for (let at = 0; at < length; at++) {
      close[at] = at < series ? 100 : Math.max(1, close[at - series]! + Math.sin(at * 12.9898));
    }
    const out = make(length);
    const ours = () => rsi({ bars, series, close, period, out });
    const rate = (ns: number) => `${((2 * close.BYTES_PER_ELEMENT * length) / ns).toFixed(2)} GB/s`;
    const rivals = [
      ['plain loop', () => plainLoop(bars, series, close, out)],
      ['floor, a plain copy', () => out.set(close)],
    ] as const;
    for (const [rival, run] of rivals) {
      const result = await comparePairs({
        name: `rsi ${dtype} [${bars}, ${series}]: ${rival}`,
        a: ours,
        b: run,
      });
      console.log(formatPairs(result, `${rate(result.aNs)} against ${rate(result.bNs)}`));
    }
  }
}

if (import.meta.main) await forEachDtype(import.meta.path, main);
