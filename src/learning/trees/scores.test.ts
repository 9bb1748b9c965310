// Scores beside those of LightGBM, XGBoost and scikit-learn, on the same rows.
import { describe, expect, test } from 'bun:test';
import { uniform } from '../../native/example-call.ts';
import type { TrainingData } from '../family.ts';
import golden from './golden.json';
import { lightgbm, randomForest, type TreeFamily, xgboost } from './index.ts';
import { control, runGraph } from './test-data.ts';

/** Friedman 1991, the first function, as scripts/golden/trees.py draws it. */
function friedman({ rows, columns, seed }: typeof golden.friedman): TrainingData {
  const draw = uniform(seed);
  const inputs = new Float32Array(rows * columns);
  const targets = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) inputs[row * columns + column] = draw();
    const [a, b, c, d, e] = inputs.subarray(row * columns) as unknown as [
      number,
      number,
      number,
      number,
      number,
    ];
    targets[row] = 10 * Math.sin(Math.PI * a * b) + 20 * (c - 0.5) ** 2 + 10 * d + 5 * e + 2 * draw();
  }
  return { inputs, rows, columns, targets };
}

const bytes = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const SETS: Record<string, TrainingData> = {
  friedman: friedman(golden.friedman),
  cancer: {
    ...golden.cancer,
    inputs: new Float32Array(bytes(golden.cancer.inputs).buffer),
    targets: Float32Array.from(bytes(golden.cancer.targets)),
  },
  digits: {
    ...golden.digits,
    inputs: Float32Array.from(bytes(golden.digits.inputs)),
    targets: Float32Array.from(bytes(golden.digits.targets)),
  },
};

/** Returns rows [from, to). */
function cut(data: TrainingData, from: number, to: number): TrainingData & { targets: Float32Array } {
  const { inputs, targets, columns } = data;
  return {
    ...data,
    rows: to - from,
    inputs: inputs.slice(from * columns, to * columns),
    targets: targets!.slice(from, to),
  };
}

/** The share of pairs of which the one of the class has more; halves of equals. */
function auc(scores: readonly number[], hits: readonly boolean[]): number {
  const [yes, no] = [true, false].map((hit) => scores.filter((_, i) => hits[i] === hit));
  let won = 0;
  for (const a of yes!) for (const b of no!) won += a > b ? 1 : a === b ? 0.5 : 0;
  return won / (yes!.length * no!.length);
}

/** R2 of numbers, the area under the curve of classes, its mean where there are more than two. */
function score(data: TrainingData & { targets: Float32Array }, output: Float32Array): number {
  const { targets, classes, rows } = data;
  if (!classes) {
    const mean = targets.reduce((sum, target) => sum + target, 0) / rows;
    const sum = (of: (target: number, row: number) => number) =>
      targets.reduce((s, t, row) => s + of(t, row), 0);
    return 1 - sum((t, row) => (t - output[row]!) ** 2) / sum((t) => (t - mean) ** 2);
  }
  const of = (k: number) =>
    auc(
      Array.from(targets, (_, row) => output[row * classes + k]!),
      Array.from(targets, (target) => target === k),
    );
  const all = Array.from({ length: classes }, (_, k) => k).slice(classes === 2 ? 1 : 0);
  return all.reduce((sum, k) => sum + of(k), 0) / all.length;
}

async function scoreOf<Options>(family: TreeFamily<Options>, options: object, data: TrainingData) {
  const half = Math.floor(data.rows / 2);
  const [training, test] = [cut(data, 0, half), cut(data, half, data.rows)];
  const task = data.classes ? 'classification' : 'regression';
  const fitted = await family.fit(task, training, family.options.parse(options), control);
  return score(test, await runGraph(fitted.model, test.inputs, test.rows));
}

// Scores of those who test do not differ by more than what another cut of the bins makes.
const LIGHTGBM = { rounds: 60, learning_rate: 0.1, max_leaves: 15, min_rows: 10 };
const XGBOOST = { rounds: 60, learning_rate: 0.1, max_depth: 4, max_leaves: 16 };
const FOREST = { trees: 200, min_rows: 5 };

describe.each(Object.keys(SETS) as ('friedman' | 'cancer' | 'digits')[])('on %s', (name) => {
  const data = SETS[name]!;
  const theirs = golden[name].scores;

  test("is as good as LightGBM's", async () => {
    const own = await scoreOf(lightgbm, LIGHTGBM, data);
    expect(own - theirs.lightgbm).toBeGreaterThan(-0.002);
  });

  test("is as good as XGBoost's", async () => {
    const own = await scoreOf(xgboost, XGBOOST, data);
    expect(own - theirs.xgboost).toBeGreaterThan(-0.002);
  });

  test("is as good as scikit-learn's forest", async () => {
    const own = await scoreOf(randomForest, FOREST, data);
    // Another seed moves either by up to 0.005.
    expect(own - theirs.forest).toBeGreaterThan(-0.01);
  });
});
