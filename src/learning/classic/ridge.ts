// Ridge regression: least squares with a penalty on the squares of the coefficients.
import { z } from 'zod';
import { gemv, leastSquares, NotPositiveDefiniteError, solveSpd, syrk } from '../../native/index.ts';
import type { Family } from '../family.ts';
import { fittedRegression, linearOptions, type Regression, regressionOf } from './regression.ts';
import { checkTask } from './rows.ts';

const options = z.strictObject({
  alpha: z
    .number()
    .min(0)
    .max(1e12)
    .default(1)
    .describe(
      'penalty: alpha times the sum of squared coefficients is added to the sum of squared errors; 0 is least squares',
    ),
  ...linearOptions,
});

/** Options of {@link ridge}. */
export type RidgeOptions = z.output<typeof options>;

interface Solution {
  readonly coefficients: Float64Array;
  readonly solver: 'cholesky' | 'dual_cholesky' | 'least_squares';
}

/**
 * The coefficients `w` that minimise `sum_i weight_i (y_i - x_i w - intercept)^2 + alpha |w|^2` (Hoerl and Kennard 1970): by
 * Cholesky of the smaller of `X'X + alpha I` and, in its dual, `X X' + alpha I`. Without a penalty, or where collinear columns
 * leave that indefinite in float64, by singular values: the solution of least norm.
 */
async function solve(
  { rows, targets }: Regression,
  columns: number,
  alpha: number,
  signal: AbortSignal | undefined,
): Promise<Solution> {
  const count = targets.length;
  const dual = columns > count;
  const n = Math.min(columns, count);
  if (alpha > 0) {
    const { out: a } = await syrk.async({ n, k: Math.max(columns, count), transA: !dual, a: rows }, signal);
    for (let j = 0; j < n; j++) a[j * n + j]! += alpha;
    const across = { m: columns, n: count, transA: true, a: rows };
    try {
      const b = dual ? targets : (await gemv.async({ ...across, x: targets }, signal)).out;
      const { x } = await solveSpd.async({ n, nrhs: 1, a, b }, signal);
      if (!dual) return { coefficients: x, solver: 'cholesky' };
      return { coefficients: (await gemv.async({ ...across, x }, signal)).out, solver: 'dual_cholesky' };
    } catch (error) {
      if (!(error instanceof NotPositiveDefiniteError)) throw error;
    }
  }
  // The penalty as rows of its own: sqrt(alpha) w_j = 0 for each coefficient.
  const extra = alpha > 0 ? columns : 0;
  const a = new Float64Array((count + extra) * columns);
  a.set(rows);
  for (let j = 0; j < extra; j++) a[(count + j) * columns + j] = Math.sqrt(alpha);
  const b = new Float64Array(count + extra);
  b.set(targets);
  const { x } = await leastSquares.async({ rows: count + extra, columns, nrhs: 1, a, b }, signal);
  return { coefficients: x, solver: 'least_squares' };
}

/** Ridge regression. `importance` is the share of each standardised coefficient in their absolute sum. */
export const ridge: Family<RidgeOptions> = {
  name: 'ridge',
  title: 'Ridge regression',
  tasks: ['regression'],
  options,
  async fit(task, data, given, control) {
    checkTask(ridge, task);
    const regression = regressionOf(data, given);
    const { coefficients, solver } = await solve(regression, data.columns, given.alpha, control.signal);
    return fittedRegression('ridge', data, regression, coefficients, control, { iterations: 1, solver });
  },
};
