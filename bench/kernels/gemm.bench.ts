// Matrix product against the textbook triple loop and numpy. Hot path: covariance and factor exposures. A regression
// would mean a BLAS without its fast kernels, lost threads, or a copy at the border.
import { type FloatArray, gemm, setThreads } from '../../src/native/index.ts';
import { comparePairs, formatPairs } from '../pairs.ts';
import { forEachDtype } from './fresh.ts';
import { startNumpy } from './numpy.ts';
import { stamp } from './stamp.ts';

/** The textbook loop: row i of a times column j of b. */
function tripleLoop(n: number, a: FloatArray, b: FloatArray, out: FloatArray): void {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < n; p++) sum += a[i * n + p]! * b[p * n + j]!;
      out[i * n + j] = sum;
    }
  }
}

/** Measures one element type and prints one line for each pair of rivals; both sides get one thread. */
async function main(dtype: 'f64' | 'f32'): Promise<void> {
  setThreads(1);
  console.log(`${stamp()}; one thread each`);
  const numpy = await startNumpy();
  console.log(
    numpy
      ? `numpy ${numpy.version}`
      : 'numpy: absent, left out (NAUTILUS_BENCH_PYTHON names a python that has it)',
  );
  const make = (length: number): FloatArray =>
    dtype === 'f64' ? new Float64Array(length) : new Float32Array(length);
  for (const n of [8, 64, 256, 512, 1024]) {
    const a = make(n * n).map((_, at) => Math.sin(at)) as FloatArray;
    const b = make(n * n).map((_, at) => Math.cos(at)) as FloatArray;
    const out = make(n * n);
    const ours = () => gemm({ m: n, n, k: n, a, b, out });
    const rate = (ns: number) => `${((2 * n ** 3) / ns).toFixed(2)} GF/s`;
    // The triple loop takes seconds above this size and its ratio only grows.
    if (n <= 512) {
      const name = `gemm ${dtype} ${n}: triple loop`;
      const loop = await comparePairs({ name, a: ours, b: () => tripleLoop(n, a, b, out) });
      console.log(formatPairs(loop, `${rate(loop.aNs)} against ${rate(loop.bNs)}`));
    }
    if (numpy && n >= 64) {
      const name = `gemm ${dtype} ${n}: numpy`;
      const rival = await comparePairs({ name, a: ours, b: { measureNs: () => numpy.productNs(n, dtype) } });
      console.log(formatPairs(rival, `${rate(rival.aNs)} against ${rate(rival.bNs)}`));
    }
  }
  numpy?.stop();
}

if (import.meta.main) await forEachDtype(import.meta.path, main);
