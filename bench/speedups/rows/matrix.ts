// Matrix operations: a product, and the covariance of a panel.
import { covariance, type FloatArray, gemm } from '../../../src/native/index.ts';
import { covarianceLoop, matrixProduct, packedProduct } from '../../baseline/matrix.ts';
import { wave } from '../../inputs.ts';
import { type Bench, measure, mustAgree, mustAgreeWith, type RowResult, rival } from '../measure.ts';

function operands(n: number, kind: (values: Float64Array) => FloatArray) {
  const [a, b] = [kind(wave(n * n, 0.7)), kind(wave(n * n, 1.3))];
  const out = kind(new Float64Array(n * n));
  return { a, b, out, run: () => gemm({ m: n, n, k: n, a, b, out }) };
}

export async function matrix(bench: Bench): Promise<RowResult> {
  const n = bench.quick ? 512 : 1024;
  const wide = operands(n, (values) => values);
  const narrow = operands(n, (values) => Float32Array.from(values));
  const plain = new Float64Array(n * n);
  wide.run();
  matrixProduct(n, wide.a, wide.b, plain);
  mustAgree('product', wide.out[5]!, plain[5]!, 1e-9);
  packedProduct(n, wide.a, wide.b, plain);
  mustAgree('packed product', wide.out[5]!, plain[5]!, 1e-9);
  await mustAgreeWith(bench, 'product', { n, dtype: 'float64' }, wide.out.at(-1)!, 1e-9);
  const size = `Product of two ${n} x ${n} matrices`;
  const main = await measure(bench, {
    workload: `${size}, f64`,
    now: wide.run,
    before: () => matrixProduct(n, wide.a, wide.b, plain),
    rivals: [
      {
        name: 'TypeScript, packed and blocked by registers',
        side: () => packedProduct(n, wide.a, wide.b, plain),
      },
      rival(bench, 'NumPy', '', 'product', { n, dtype: 'float64' }),
    ],
  });
  const single = await measure(bench, {
    workload: `${size}, f32`,
    now: narrow.run,
    rivals: [rival(bench, 'NumPy', '', 'product', { n, dtype: 'float32' })],
  });
  return {
    note: `Before: three loops in the order of memory, one thread. Now: \`gemm\` of the addon (BLAS), ${bench.threads} threads, as in NumPy.`,
    measurements: [...main, ...single, ...(await panelCovariance(bench))],
  };
}

async function panelCovariance(bench: Bench) {
  const [observations, assets] = bench.quick ? [1000, 200] : [5000, 500];
  const values = wave(observations * assets, 0.7);
  const out = new Float64Array(assets * assets);
  const plain = new Float64Array(assets * assets);
  const now = () => covariance({ observations, assets, values, out });
  now();
  covarianceLoop(observations, assets, values, plain);
  mustAgree('covariance', out[1]!, plain[1]!, 1e-6);
  const options = { rows: observations, columns: assets };
  await mustAgreeWith(bench, 'covariance', options, out.at(-1)!, 1e-9);
  return measure(bench, {
    workload: `Covariance of ${observations} x ${assets}, f64`,
    now,
    before: () => covarianceLoop(observations, assets, values, plain),
    rivals: [rival(bench, 'NumPy', ' (cov)', 'covariance', options)],
  });
}
