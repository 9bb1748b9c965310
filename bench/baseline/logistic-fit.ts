// The fit of a logistic regression in plain TypeScript, by the method of Newton, and its purged cross-validation.
import { foldLogistic, logisticRows } from './logistic.ts';

/** Rows and labels in time order; the label of a row is known `horizon` rows later. */
export interface LabelledRows {
  /** [rows, columns]. */
  readonly inputs: Float32Array;
  /** [rows]: 0 or 1. */
  readonly targets: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly horizon: number;
}

/** Returns the mean log-loss of purged folds: rows whose label reaches into the test, or begins within one of it, are left out. */
export function crossValidateLogistic(data: LabelledRows, folds: number): number {
  const { inputs, targets, rows, columns, horizon } = data;
  let loss = 0;
  for (let fold = 0; fold < folds; fold++) {
    const [from, to] = [Math.floor((rows * fold) / folds), Math.floor((rows * (fold + 1)) / folds)];
    const train: number[] = [];
    for (let row = 0; row < rows; row++) if (row + horizon < from || row > to - 1 + horizon) train.push(row);
    const fitted = fitLogistic(data, train);
    const said = new Float32Array(to - from);
    logisticRows(foldLogistic(fitted), inputs.subarray(from * columns, to * columns), said);
    for (let i = 0; i < said.length; i++) loss -= Math.log(targets[from + i]! > 0 ? said[i]! : 1 - said[i]!);
  }
  return loss / rows;
}

/** Minimises the sum of the log-losses plus half the squares of the coefficients of standardised inputs. */
function fitLogistic({ inputs, targets, columns }: LabelledRows, train: readonly number[]) {
  const count = train.length;
  const mean = new Float64Array(columns);
  const std = new Float64Array(columns);
  for (const row of train) for (let c = 0; c < columns; c++) mean[c]! += inputs[row * columns + c]! / count;
  for (const row of train)
    for (let c = 0; c < columns; c++) std[c]! += (inputs[row * columns + c]! - mean[c]!) ** 2 / count;
  for (let c = 0; c < columns; c++) std[c] = Math.sqrt(std[c]!);
  const size = columns + 1;
  const x = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < columns; c++)
      x[i * size + c] = (inputs[train[i]! * columns + c]! - mean[c]!) / std[c]!;
    x[i * size + columns] = 1;
  }
  const labels = Float64Array.from(train, (row) => targets[row]!);
  const weights = new Float64Array(size);
  for (let round = 0; round < 100; round++) {
    const { gradient, hessian } = slopes(x, labels, weights, size);
    if (gradient.every((slope) => Math.abs(slope) <= 1e-8 * count)) break;
    solve(hessian, gradient, size);
    for (let k = 0; k < size; k++) weights[k]! -= gradient[k]!;
  }
  return {
    inputNames: [],
    mean: [...mean],
    std: [...std],
    coefficients: [...weights.subarray(0, columns)],
    intercept: weights[columns]!,
  };
}

function slopes(x: Float64Array, labels: Float64Array, weights: Float64Array, size: number) {
  const gradient = new Float64Array(size);
  const hessian = new Float64Array(size * size);
  for (let i = 0; i < labels.length; i++) {
    const at = i * size;
    let score = 0;
    for (let k = 0; k < size; k++) score += x[at + k]! * weights[k]!;
    const p = 1 / (1 + Math.exp(-score));
    const [error, curve] = [p - labels[i]!, p * (1 - p)];
    for (let k = 0; k < size; k++) {
      const value = x[at + k]!;
      gradient[k]! += error * value;
      const bent = curve * value;
      for (let l = 0; l <= k; l++) hessian[k * size + l]! += bent * x[at + l]!;
    }
  }
  for (let k = 0; k < size - 1; k++) {
    gradient[k]! += weights[k]!;
    hessian[k * size + k]! += 1;
  }
  return { gradient, hessian };
}

/** Solves `a` x = `b` in place by the Cholesky factor; `a` is positive definite, its lower half is read. */
function solve(a: Float64Array, b: Float64Array, size: number): void {
  for (let k = 0; k < size; k++) {
    for (let l = 0; l <= k; l++) {
      let sum = a[k * size + l]!;
      for (let m = 0; m < l; m++) sum -= a[k * size + m]! * a[l * size + m]!;
      a[k * size + l] = k === l ? Math.sqrt(sum) : sum / a[l * size + l]!;
    }
  }
  for (let k = 0; k < size; k++) {
    for (let m = 0; m < k; m++) b[k]! -= a[k * size + m]! * b[m]!;
    b[k]! /= a[k * size + k]!;
  }
  for (let k = size - 1; k >= 0; k--) {
    for (let m = k + 1; m < size; m++) b[k]! -= a[m * size + k]! * b[m]!;
    b[k]! /= a[k * size + k]!;
  }
}
