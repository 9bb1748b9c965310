// What solvers of quadratic programs multiply.
import { input, output, wanted } from '../../define.ts';
import { defineKernel } from '../../kernel.ts';

/** Products and residuals of quadratic programs. */
export const qpProducts = defineKernel({
  id: 'qp_products',
  family: 'matrix',
  title: 'Products and residuals of quadratic programs',
  about:
    "For programs `minimise x' p x / 2 + q' x` with `a x = z`, `z` between bounds: how far a point is from being the answer. The primal residual `a x - z`, the dual residual `p x + q + a' y`, the largest element of each in size, and the three products when they are asked for. One problem or many of one shape; each matrix is read once. f32 is summed in f64 (on Metal in pairs of floats) and rounded once, so that a residual near 0 has its digits. NaN and infinity are missing: an element that depends on one is NaN, and so is its norm; the norm of nothing is 0.",
  dtypes: ['f64', 'f32'],
  cpu: 'hwy',
  sizes: {
    batch: { about: 'problems' },
    variables: { about: 'elements of x' },
    constraints: { about: 'elements of z' },
  },
  options: {},
  arrays: {
    p: input(['batch', 'variables', 'variables'], { values: 'spd', about: 'symmetric, both triangles' }),
    q: input(['batch', 'variables']),
    a: input(['batch', 'constraints', 'variables']),
    x: input(['batch', 'variables']),
    y: input(['batch', 'constraints']),
    z: input(['batch', 'constraints']),
    primal: output(['batch', 'constraints'], 'float', 'a x - z'),
    dual: output(['batch', 'variables'], 'float', "p x + q + a' y"),
    primalNorm: output(['batch']),
    dualNorm: output(['batch']),
    ax: wanted(['batch', 'constraints'], 'float', 'a x'),
    px: wanted(['batch', 'variables'], 'float', 'p x'),
    aty: wanted(['batch', 'variables'], 'float', "a' y"),
  },
  tolerance: {
    f64: 1e-13,
    f32: 1e-6,
    why: 'sums in another order, relative to the sum of absolute products; f32 is rounded once',
  },
  flops: '2 * batch * variables * variables + 4 * batch * variables * constraints',
  complexity: 'O(batch variables (variables + constraints))',
  source:
    'Stellato, Banjac, Goulart, Bemporad and Boyd 2020, OSQP: an operator splitting solver for quadratic programs, section 3.4',
  example: { batch: 2, variables: 4, constraints: 3 },
});
