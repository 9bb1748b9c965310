// Symmetric positive-definite systems.
import { input, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const sizes = { n: { about: 'order of the system' }, nrhs: { about: 'right-hand sides' } } as const;
const errors = {
  kNotPositiveDefinite: 'a positive-definite matrix for a, was not: leading minor of order {detail}',
  kNonFinite: 'finite numbers for a, was NaN or infinity at element {detail}',
};

/** Solves `a x = b` for symmetric positive-definite `a`, of which only the lower triangle is read. */
export const solveSpd = defineKernel({
  id: 'solve_spd',
  family: 'matrix',
  title: 'Solution of a positive-definite system',
  about:
    '`x` with `a x = b` for a symmetric positive-definite `a`, of which only the lower triangle is read. NaN and infinity are refused; the index counts within `a` or within `b`.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes,
  options: {},
  arrays: {
    a: input(['n', 'n'], { values: 'spd' }),
    b: input(['n', 'nrhs']),
    x: output(['n', 'nrhs']),
  },
  tolerance: {
    f64: 1e-10,
    f32: 1e-3,
    why: 'a backward-stable solve of a well-conditioned system, relative to the largest |x|',
  },
  flops: 'n * n * n / 3 + 2 * n * n * nrhs',
  bytes: 'n * n * 16',
  complexity: 'O(n^3 + n^2 nrhs)',
  source: 'Golub and Van Loan, Matrix Computations, 4th edition, 4.2; LAPACK potrf',
  errors: { ...errors, kNonFinite: 'finite numbers for a and b, was NaN or infinity at element {detail}' },
  example: { n: 4, nrhs: 2 },
});

/** The lower triangular `l` with `a = l l'`. */
export const cholesky = defineKernel({
  id: 'cholesky',
  family: 'matrix',
  title: 'Cholesky factor',
  about:
    "The lower triangular `l` with `a = l l'` and a positive diagonal, zeros above it, for a symmetric positive-definite `a`, of which only the lower triangle is read. NaN and infinity are refused.",
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: { about: 'order of the matrix' } },
  options: {},
  arrays: { a: input(['n', 'n'], { values: 'spd' }), l: output(['n', 'n']) },
  tolerance: {
    f64: 1e-12,
    f32: 1e-4,
    why: 'backward stable, well-conditioned tests, relative to the largest |l|',
  },
  flops: 'n * n * n / 3',
  complexity: 'O(n^3)',
  source: 'Golub and Van Loan, Matrix Computations, 4th edition, 4.2; LAPACK potrf',
  errors,
  example: { n: 4 },
});

/** Solves `l l' x = b` with a factor that `cholesky` returned. */
export const choleskySolve = defineKernel({
  id: 'cholesky_solve',
  family: 'matrix',
  title: 'Solution with a Cholesky factor',
  about:
    "`x` with `l l' x = b` for a lower triangular `l` with a positive diagonal, as `cholesky` returns it; what is above the diagonal is not read. NaN and infinity are refused; the index counts within `l` or within `b`.",
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes,
  options: {},
  arrays: { l: input(['n', 'n'], { values: 'spd' }), b: input(['n', 'nrhs']), x: output(['n', 'nrhs']) },
  tolerance: {
    f64: 1e-10,
    f32: 1e-3,
    why: 'two backward-stable triangular solves, relative to the largest |x|',
  },
  flops: '2 * n * n * nrhs',
  complexity: 'O(n^2 nrhs)',
  source: 'Golub and Van Loan, Matrix Computations, 4th edition, 3.1; BLAS trsm',
  errors: {
    kNotPositiveDefinite: 'a positive diagonal of l, was not: row {detail}, counted from 1',
    kNonFinite: 'finite numbers for l and b, was NaN or infinity at element {detail}',
  },
  example: { n: 4, nrhs: 2 },
});

/** The inverse of a symmetric positive-definite matrix. */
export const inverseSpd = defineKernel({
  id: 'inverse_spd',
  family: 'matrix',
  title: 'Inverse of a positive-definite matrix',
  about:
    'The inverse, symmetric bit for bit, of a symmetric positive-definite `a`, of which only the lower triangle is read. To solve a system take `solve_spd`, which is quicker and more exact. NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: { about: 'order of the matrix' } },
  options: {},
  arrays: { a: input(['n', 'n'], { values: 'spd' }), out: output(['n', 'n']) },
  tolerance: {
    f64: 1e-10,
    f32: 1e-3,
    why: 'condition below 100 in the tests, relative to the largest element',
  },
  flops: 'n * n * n',
  complexity: 'O(n^3)',
  source: 'Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, 14.3; LAPACK potri',
  errors,
  example: { n: 4 },
});
