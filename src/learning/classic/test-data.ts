// What the tests of the classic families share: data, fits, and the model behind a session.
import { uniform } from '../../native/example-call.ts';
import { encodeModel, type ModelSpec } from '../../onnx/graph.ts';
import { openSession } from '../../onnx/session.ts';
import type { FitControl, TrainingData } from '../family.ts';

export const control: FitControl = { seed: 1, threads: 2 };

/** Returns standard normal numbers, the same for the same seed. */
export function normals(seed: number): () => number {
  const random = uniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Returns rows of normal inputs and the target `x w + noise`. */
export function linearData(
  seed: number,
  rows: number,
  weights: readonly number[],
  noise = 0.3,
): TrainingData {
  const normal = normals(seed);
  const columns = weights.length;
  const inputs = Float32Array.from({ length: rows * columns }, normal);
  const targets = Float32Array.from({ length: rows }, (_, i) =>
    weights.reduce((sum, weight, j) => sum + weight * inputs[i * columns + j]!, 2 + noise * normal()),
  );
  return { inputs, rows, columns, targets };
}

/** Data as a golden file has it. */
interface GoldenData {
  readonly rows: number;
  readonly columns: number;
  readonly inputs: readonly number[];
  readonly targets?: readonly number[];
  readonly weights?: readonly number[];
  readonly classes?: number;
}

/** Returns training data of a golden case. */
export function dataOf({ inputs, targets, weights, ...rest }: GoldenData): TrainingData {
  return {
    ...rest,
    inputs: Float32Array.from(inputs),
    ...(targets ? { targets: Float32Array.from(targets) } : {}),
    ...(weights ? { weights: Float32Array.from(weights) } : {}),
  };
}

/** Returns what the served model answers for `rows` rows. */
export async function served(model: ModelSpec, inputs: Float32Array, rows: number): Promise<Float32Array> {
  const session = await openSession(encodeModel(model));
  try {
    return (await session.predict(inputs, rows)).slice();
  } finally {
    await session.close();
  }
}

/** Returns the largest difference, relative to the largest expected number or 1. */
export function apart(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  let scale = 1;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(found[i]! - expected[i]!));
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return most / scale;
}

/** Returns the numbers of a constant of a model. */
export function constantOf(model: ModelSpec, name: string): number[] {
  const found = model.graph.constants.find((constant) => constant.name === name);
  return found ? [...(found.data as Float32Array)] : [];
}

/** Returns rows of `groups` clouds that lie far apart, one row of each in turn. */
export function groupData(
  seed: number,
  rows: number,
  columns: number,
  groups: number,
  offset = 0,
): TrainingData & { inputs: Float32Array } {
  const normal = normals(seed);
  const inputs = Float32Array.from({ length: rows * columns }, (_, i) => {
    const group = Math.floor(i / columns) % groups;
    return offset + 8 * group * (i % columns === 0 ? 1 : -0.5) + 0.5 * normal();
  });
  return { inputs, rows, columns };
}
