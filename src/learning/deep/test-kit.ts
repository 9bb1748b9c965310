// What the tests of networks share: fit, serve, and how well a line does on the same data.
import { encodeModel } from '../../onnx/graph.ts';
import { openSession } from '../../onnx/session.ts';
import type { Fitted, TrainingData } from '../family.ts';

/** A control that a test gives. */
export const control = { seed: 5, threads: 1 } as const;

/** Returns what a fitted model gives for `inputs`, through the session that serves models. */
export async function serve(fitted: Fitted, inputs: Float32Array, rows: number): Promise<Float32Array> {
  const session = await openSession(encodeModel(fitted.model));
  try {
    return await session.predict(inputs, rows);
  } finally {
    await session.close();
  }
}

/** Returns the mean squared difference, divided by the variance of `truth`: 1 is no better than the mean. */
export function relativeError(predicted: Float32Array, truth: Float32Array): number {
  const mean = truth.reduce((a, b) => a + b, 0) / truth.length;
  let [error, variance] = [0, 0];
  truth.forEach((value, i) => {
    error += (value - predicted[i]!) ** 2;
    variance += (value - mean) ** 2;
  });
  return error / variance;
}

/** Returns the relative error of the best line on the rows it was fitted to: least squares by Gauss and Jordan. */
export function linearError({ inputs, rows, columns, targets }: TrainingData): number {
  const width = columns + 1;
  const value = (row: number, column: number) => (column === columns ? 1 : inputs[row * columns + column]!);
  const system = Array.from({ length: width }, (_, i) =>
    Float64Array.from({ length: width + 1 }, (_, j) => {
      let sum = i === j ? 1e-9 : 0;
      for (let row = 0; row < rows; row++)
        sum += value(row, i) * (j === width ? targets![row]! : value(row, j));
      return sum;
    }),
  );
  for (let i = 0; i < width; i++) {
    const pivot = system[i]![i]!;
    for (let j = 0; j <= width; j++) system[i]![j] = system[i]![j]! / pivot;
    for (let k = 0; k < width; k++) {
      const factor = system[k]![i]!;
      if (k !== i) for (let j = 0; j <= width; j++) system[k]![j] = system[k]![j]! - factor * system[i]![j]!;
    }
  }
  const predicted = Float32Array.from({ length: rows }, (_, row) =>
    system.reduce((sum, equation, j) => sum + equation[width]! * value(row, j), 0),
  );
  return relativeError(predicted, targets!);
}
