// Matrix product against the textbook triple loop and numpy. Hot path: covariance and factor exposures. A regression
// would mean a BLAS without its fast kernels, lost threads, or a copy at the border.
import { type FloatArray, gemm, setThreads } from '../../src/native/index.ts';
import { comparePairs } from '../pairs.ts';
import { isQuick, PAIR_COLUMNS, pairRow, publish } from '../report.ts';
import { forEachDtype } from './fresh.ts';
import { tripleLoop } from './plain.ts';
import { PYTHON_HINT, startNumpy } from './python.ts';

/** Measures one element type against each rival; both sides get one thread. */
async function main(dtype: 'f64' | 'f32'): Promise<void> {
  setThreads(1);
  const numpy = await startNumpy();
  const rows: string[][] = [];
  const make = (length: number): FloatArray =>
    dtype === 'f64' ? new Float64Array(length) : new Float32Array(length);
  for (const n of isQuick ? [64, 256] : [8, 64, 256, 512, 1024]) {
    const a = make(n * n).map((_, at) => Math.sin(at)) as FloatArray;
    const b = make(n * n).map((_, at) => Math.cos(at)) as FloatArray;
    const out = make(n * n);
    const ours = () => gemm({ m: n, n, k: n, a, b, out });
    const name = `gemm ${dtype} ${n}`;
    const rate = (ns: number) => `${((2 * n ** 3) / ns).toFixed(2)} GF/s`;
    // The triple loop takes seconds above this size and its ratio only grows.
    if (n <= 512) {
      const loop = await comparePairs({ name, a: ours, b: () => tripleLoop(n, a, b, out) });
      rows.push(pairRow(loop, 'triple loop', `${rate(loop.aNs)} against ${rate(loop.bNs)}`));
    }
    if (numpy && n >= 64) {
      const rival = await comparePairs({ name, a: ours, b: { measureNs: () => numpy.productNs(n, dtype) } });
      rows.push(pairRow(rival, 'numpy', `${rate(rival.aNs)} against ${rate(rival.bNs)}`));
    }
  }
  numpy?.stop();
  const rival = numpy ? `numpy ${numpy.version}` : `numpy is absent (${PYTHON_HINT})`;
  publish({
    title: `Matrix product, ${dtype}`,
    note: `One thread each; ${rival}. Slower means a BLAS without its fast kernels or a copy at the border.`,
    columns: PAIR_COLUMNS,
    rows,
  });
}

if (import.meta.main) await forEachDtype(import.meta.path, main);
