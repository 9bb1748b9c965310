// Rows for tests of trees: numbers by seed, with gaps, repeated values and categories where asked.
import { uniform } from '../../native/example-call.ts';
import { encodeModel, type ModelSpec } from '../../onnx/graph.ts';
import { openSession } from '../../onnx/session.ts';
import type { FitControl, TrainingData } from '../family.ts';
import { gradientBoosting } from './index.ts';

export const control: FitControl = { seed: 7, threads: 2 };

/** What rows of a test are like. */
export interface Likeness {
  readonly rows: number;
  readonly columns: number;
  /** Part of the inputs that is missing. */
  readonly gaps?: number;
  /** The first columns hold codes below 12. */
  readonly categories?: number;
  /** Classes of the targets; numbers without. */
  readonly classes?: number;
  /** Distinct values of a column of numbers. */
  readonly levels?: number;
}

/** Returns rows whose targets depend on the inputs, on codes and gaps too. */
export function treeData(likeness: Likeness, seed: number): TrainingData & { targets: Float32Array } {
  const { rows, columns, gaps = 0, categories = 0, classes, levels = 1e6 } = likeness;
  const random = uniform(seed);
  const inputs = new Float32Array(rows * columns);
  const targets = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = random() * 0.2;
    for (let column = 0; column < columns; column++) {
      const code = Math.floor(random() * 12);
      const number = Math.round(random() * levels) / levels - 0.5;
      const missing = random() < gaps;
      const value = column < categories ? code : number;
      inputs[row * columns + column] = missing ? Number.NaN : value;
      sum += missing ? 0.3 : column < categories ? ((code * 5) % 7) / 7 : Math.abs(number) * (column + 1);
    }
    targets[row] = sum;
  }
  if (!classes) return { inputs, rows, columns, targets };
  const sorted = Float32Array.from(targets).sort();
  const bounds = Array.from(
    { length: classes - 1 },
    (_, k) => sorted[Math.floor((rows * (k + 1)) / classes)]!,
  );
  const labels = targets.map((target) => bounds.filter((bound) => target >= bound).length);
  return { inputs, rows, columns, targets: labels, classes };
}

/** Returns what ONNX Runtime makes of the graph's rows. */
export async function runGraph(model: ModelSpec, inputs: Float32Array, rows: number): Promise<Float32Array> {
  const session = await openSession(encodeModel(model), { finite: false });
  try {
    return await session.predict(inputs, rows);
  } finally {
    await session.close();
  }
}

/** Returns a fit of `gradient_boosting` with its trees. */
export async function grow(data: TrainingData, options: object, with_: FitControl = control) {
  const task = data.classes ? 'classification' : 'regression';
  const fitted = await gradientBoosting.fit(task, data, gradientBoosting.options.parse(options), with_);
  if (!fitted.trees) throw new Error('no trees');
  return { ...fitted, trees: fitted.trees };
}
