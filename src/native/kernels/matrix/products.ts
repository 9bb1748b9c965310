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
