// Products of matrices.
import { flag, input, number, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** `out = alpha op(a) op(b) + beta out`, row-major; op transposes when asked. */
export const gemm = defineKernel({
  id: 'gemm',
  family: 'matrix',
  title: 'Matrix product',
  about:
    '`out = alpha op(a) op(b) + beta out`, where op transposes when asked. `out` is not read when `beta` is 0. NaN and infinity follow IEEE 754.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: {
    m: { about: 'rows of op(a) and of out' },
    n: { about: 'columns of op(b) and of out' },
    k: { about: 'columns of op(a), rows of op(b)' },
  },
  options: {
    transA: flag(false, 'whether `a` is given as [k, m]'),
    transB: flag(false, 'whether `b` is given as [n, k]'),
    alpha: number({ default: 1, unit: '' }),
    beta: number({ default: 0, unit: '' }),
  },
  arrays: {
    a: input(['m', 'k']),
    b: input(['k', 'n']),
    out: output(['m', 'n']),
  },
  tolerance: {
    f64: 1e-14,
    f32: 1e-5,
    why: 'sums in another order, relative to the sum of absolute products',
  },
  flops: '2 * m * n * k',
  complexity: 'O(m n k)',
  source: 'BLAS level 3 (Dongarra et al. 1990), by Accelerate or OpenBLAS',
  example: { m: 3, n: 4, k: 5 },
});

/** `out = alpha op(a) x + beta out`; op transposes when asked. */
export const gemv = defineKernel({
  id: 'gemv',
  family: 'matrix',
  title: 'Matrix times vector',
  about:
    '`out = alpha op(a) x + beta out`, where op transposes when asked. `out` is not read when `beta` is 0. NaN and infinity follow IEEE 754.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { m: { about: 'rows of op(a), length of out' }, n: { about: 'columns of op(a), length of x' } },
  options: {
    transA: flag(false, 'whether `a` is given as [n, m]'),
    alpha: number({ default: 1, unit: '' }),
    beta: number({ default: 0, unit: '' }),
  },
  arrays: { a: input(['m', 'n']), x: input(['n']), out: output(['m']) },
  tolerance: {
    f64: 1e-14,
    f32: 1e-5,
    why: 'sums in another order, relative to the sum of absolute products',
  },
  flops: '2 * m * n',
  complexity: 'O(m n)',
  source: 'BLAS level 2 (Dongarra et al. 1988), by Accelerate or OpenBLAS',
  example: { m: 3, n: 5 },
});

/** `out = alpha op(a) op(a)' + beta out`: half the work of `gemm`, and symmetric bit for bit. */
export const syrk = defineKernel({
  id: 'syrk',
  family: 'matrix',
  title: 'Matrix times its own transpose',
  about:
    "`out = alpha op(a) op(a)' + beta out` for op(a) of [n, k], half the work of `gemm`. Both triangles are written and are equal bit for bit; with a `beta` other than 0 the lower one is read. NaN and infinity follow IEEE 754.",
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: { about: 'rows of op(a), order of out' }, k: { about: 'columns of op(a)' } },
  options: {
    transA: flag(false, "whether `a` is given as [k, n], which makes out `a' a`"),
    alpha: number({ default: 1, unit: '' }),
    beta: number({ default: 0, unit: '' }),
  },
  arrays: { a: input(['n', 'k']), out: output(['n', 'n']) },
  tolerance: {
    f64: 1e-14,
    f32: 1e-5,
    why: 'sums in another order, relative to the sum of absolute products',
  },
  flops: 'n * n * k',
  complexity: 'O(n^2 k)',
  source: 'BLAS level 3 (Dongarra et al. 1990), by Accelerate or OpenBLAS',
  example: { n: 3, k: 5 },
});

/** `out[i] = op(a[i]) op(b[i])` for many small matrices in one call. */
export const batchedGemm = defineKernel({
  id: 'batched_gemm',
  family: 'matrix',
  title: 'Many matrix products',
  about:
    '`out[i] = op(a[i]) op(b[i])` for every `i` of the batch, where op transposes when asked. Made for small matrices, whose single calls would cost more than their products. NaN and infinity follow IEEE 754.',
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {
    batch: { about: 'number of products' },
    m: { about: 'rows of op(a) and of out' },
    n: { about: 'columns of op(b) and of out' },
    k: { about: 'columns of op(a), rows of op(b)' },
  },
  options: {
    transA: flag(false, 'whether each of `a` is given as [k, m]'),
    transB: flag(false, 'whether each of `b` is given as [n, k]'),
  },
  arrays: { a: input(['batch', 'm', 'k']), b: input(['batch', 'k', 'n']), out: output(['batch', 'm', 'n']) },
  tolerance: {
    f64: 1e-14,
    f32: 1e-5,
    why: 'fused multiply-add where the machine has it, relative to the sum of absolute products',
  },
  flops: '2 * batch * m * n * k',
  complexity: 'O(batch m n k)',
  source: 'Own SIMD code for small sizes, else BLAS level 3',
  example: { batch: 3, m: 2, n: 4, k: 3 },
});
