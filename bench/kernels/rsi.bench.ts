// Relative strength index of a panel against the plain TypeScript loop. Hot path: the features of all symbols of one
// scan. A regression would mean lost SIMD lanes, a tile that no longer fits the cache, or a copy at the border.
import { type FloatArray, rsi } from '../../src/native/index.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { forEachDtype } from './fresh.ts';
import { fillPrices, plainRsi } from './plain.ts';
import { PYTHON_HINT, startTaLib } from './python.ts';

const period = 14;

/** Measures one element type in each shape; a plain copy is the floor of memory traffic. */
async function main(dtype: 'f64' | 'f32'): Promise<void> {
  // TA-Lib computes in f64 only.
  const taLib = dtype === 'f64' ? await startTaLib() : null;
  const rows: string[][] = [];
  const shapes = [[1000, 1], [1000, 8], [1000, 100], ...(isQuick ? [] : [[5000, 512]])] as [number, number][];
  for (const [bars, series] of shapes) {
    const length = bars * series;
    const close: FloatArray = dtype === 'f64' ? new Float64Array(length) : new Float32Array(length);
    fillPrices(close, series);
    const out = close.slice() as FloatArray;
    const rate = (ns: number) => `${((2 * close.BYTES_PER_ELEMENT * length) / ns).toFixed(2)} GB/s`;
    const rivals = [
      ['plain loop', () => plainRsi(bars, series, period, close, out)],
      ['floor, a plain copy', () => out.set(close)],
      ...(taLib ? [['TA-Lib', { measureNs: () => taLib.rsiNs(bars, series, period) }] as const] : []),
    ] as const;
    for (const [rival, b] of rivals) {
      const a = () => rsi({ bars, series, close, period, out });
      const result = await comparePairs({ name: `rsi ${dtype} [${bars}, ${series}]`, a, b });
      rows.push(pairRow(result, rival, `${rate(result.aNs)} against ${rate(result.bNs)}`));
    }
  }
  taLib?.stop();
  const rival = taLib
    ? `TA-Lib ${taLib.version}`
    : `no TA-Lib (${dtype === 'f64' ? PYTHON_HINT : 'f64 only'})`;
  publish({
    title: `Relative strength index, ${dtype}`,
    note: `[bars, series]; ${rival}. Slower means lost SIMD lanes or a tile that no longer fits the cache.`,
    columns: PAIR_COLUMNS,
    rows,
  });
}

if (import.meta.main) await forEachDtype(import.meta.path, main);
