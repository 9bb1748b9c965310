// Symmetric positive-definite systems.
import { input, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Solves `a x = b` for symmetric positive-definite `a`, of which only the upper triangle is read. */
export const solveSpd = defineKernel({
  id: 'solve_spd',
  family: 'matrix',
  title: 'Solution of a positive-definite system',
  about:
    '`x` with `a x = b` for a symmetric positive-definite `a`, of which only the upper triangle is read. NaN and infinity are refused.',
  dtypes: ['f64'],
  cpu: 'blas',
  sizes: { n: { about: 'order of the system' }, nrhs: { about: 'right-hand sides' } },
  options: {},
  arrays: {
    a: input(['n', 'n'], { values: 'spd' }),
    b: input(['n', 'nrhs']),
    x: output(['n', 'nrhs']),
  },
  tolerance: {
    f64: 1e-10,
    f32: 0,
    why: 'a backward-stable solve of a well-conditioned system, relative to the largest |x|',
  },
  flops: 'n * n * n / 3 + 2 * n * n * nrhs',
  bytes: 'n * n * 16',
  complexity: 'O(n^3 + n^2 nrhs)',
  source: 'Golub and Van Loan, Matrix Computations, 4th edition, 4.2; LAPACK potrf',
  errors: {
    kNotPositiveDefinite: 'a positive-definite matrix for a, was not: leading minor of order {detail}',
    kNonFinite: 'finite numbers for a and b, was NaN or infinity at element {detail}',
  },
  example: { n: 4, nrhs: 2 },
});
