// Eigenvectors, singular values and least squares.
import { input, number, output } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

const nonFinite = (names: string) => ({
  kNonFinite: `finite numbers for ${names}, was NaN or infinity at element {detail}`,
});
// LAPACK counts its workspace, about 2 n^2 elements here, in 32 bits.
const ORDER = { about: 'order of the matrix', max: 32_000 } as const;
const signs = 'Of each vector the component that is largest in size is positive (of equal ones the first)';

/** Eigenvalues, ascending, and eigenvectors, one in each row, of a symmetric matrix. */
export const eigenSymmetric = defineKernel({
  id: 'eigen_symmetric',
  family: 'matrix',
  title: 'Eigenvectors of a symmetric matrix',
  about: `\`a = vectors' diag(values) vectors\`: eigenvalues in ascending order, and the unit eigenvector of each as a **row** of \`vectors\`. ${signs}. Only the lower triangle of \`a\` is read. NaN and infinity are refused. LAPACK does not stop in between: a cancelled call ends when it would have.`,
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: ORDER },
  options: {},
  arrays: { a: input(['n', 'n'], { values: 'spd' }), values: output(['n']), vectors: output(['n', 'n']) },
  tolerance: {
    f64: 1e-12,
    f32: 1e-4,
    why: 'backward stable: values to a few n epsilon of the largest; vectors that much more as their values lie closer',
  },
  flops: '9 * n * n * n',
  complexity: 'O(n^3)',
  source: 'Divide and conquer: LAPACK syevd (Cuppen 1981; Gu and Eisenstat 1995)',
  errors: nonFinite('a'),
  example: { n: 4 },
});

/** Eigenvalues of a symmetric matrix, ascending, without the vectors. */
export const eigenvaluesSymmetric = defineKernel({
  id: 'eigenvalues_symmetric',
  family: 'matrix',
  title: 'Eigenvalues of a symmetric matrix',
  about:
    'Eigenvalues in ascending order, several times quicker than with their vectors. Only the lower triangle of `a` is read. NaN and infinity are refused.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: { n: ORDER },
  options: {},
  arrays: { a: input(['n', 'n'], { values: 'spd' }), values: output(['n']) },
  tolerance: { f64: 1e-12, f32: 1e-4, why: 'backward stable: a few n epsilon of the largest eigenvalue' },
  flops: '4 * n * n * n / 3',
  complexity: 'O(n^3)',
  source: 'QR iteration without square roots: LAPACK syevd with job N (Parlett 1998)',
  errors: nonFinite('a'),
  example: { n: 4 },
});

/** Singular values, descending, and the vectors on both sides. */
export const svd = defineKernel({
  id: 'svd',
  family: 'matrix',
  title: 'Singular value decomposition',
  about: `\`a = u diag(values) vt\` for \`components\` of min(rows, columns); with fewer, the best approximation of that rank. Values are descending and at least 0. ${signs}, seen in the rows of \`vt\`; the columns of \`u\` follow. NaN and infinity are refused.`,
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: {
    rows: { about: 'rows of a' },
    columns: { about: 'columns of a', max: 16_000 },
    components: { about: 'singular values to return, at most min(rows, columns)' },
  },
  options: {},
  arrays: {
    a: input(['rows', 'columns']),
    u: output(['rows', 'components']),
    values: output(['components']),
    vt: output(['components', 'columns']),
  },
  tolerance: {
    f64: 1e-12,
    f32: 1e-4,
    why: 'backward stable: values to a few epsilon of the largest; vectors that much more as their values lie closer',
  },
  flops:
    '14 * rows * columns * min(rows, columns) + 8 * min(rows, columns) * min(rows, columns) * min(rows, columns)',
  complexity: 'O(rows columns min(rows, columns))',
  source: 'Divide and conquer: LAPACK gesdd (Gu and Eisenstat 1995)',
  errors: { ...nonFinite('a'), kShape: 'at most min(rows, columns) components, which is {detail}' },
  example: { rows: 6, columns: 4, components: 4 },
});

/** Solutions of `a x = b` of least squares, and of least norm where there are many. */
export const leastSquares = defineKernel({
  id: 'least_squares',
  family: 'matrix',
  title: 'Least squares',
  about:
    '`x` that makes the sum of squares of `b - a x` least for each column of `b`; of several such the shortest. Columns of `a` may depend on each other: `rank` says how many do not, and `values` holds the singular values of `a`, descending, filled up with 0. `residuals` are those sums of squares. NaN and infinity are refused; the index counts within `a`, then within `b`.',
  dtypes: ['f64', 'f32'],
  cpu: 'blas',
  sizes: {
    rows: { about: 'observations' },
    columns: { about: 'unknowns', max: 16_000 },
    nrhs: { about: 'right-hand sides' },
  },
  options: {
    cutoff: number({
      min: 0,
      max: 1,
      default: 0,
      unit: '',
      about: 'singular values up to this share of the largest count as 0; 0 means max(rows, columns) epsilon',
    }),
  },
  arrays: {
    a: input(['rows', 'columns']),
    b: input(['rows', 'nrhs']),
    x: output(['columns', 'nrhs']),
    values: output(['columns']),
    residuals: output(['nrhs']),
    rank: output([1], 'i32'),
  },
  tolerance: {
    f64: 1e-10,
    f32: 1e-3,
    why: 'epsilon times the condition of a, which is below 100 in the tests, relative to the largest |x|',
  },
  flops: '4 * rows * columns * min(rows, columns) + 4 * rows * columns * nrhs',
  complexity: 'O(rows columns min(rows, columns))',
  source: 'LAPACK gelsd; Golub and Van Loan, Matrix Computations, 4th edition, 5.5',
  errors: nonFinite('a and b'),
  example: { rows: 6, columns: 3, nrhs: 2 },
});
