// A small family for tests: least squares, or softmax regression by gradient descent, written plainly and served as ONNX.
import { z } from 'zod';
import { CancelledError } from '../../native/errors.ts';
import type { ModelSpec } from '../../onnx/graph.ts';
import type { Family, TrainingData } from '../family.ts';

const options = z.strictObject({
  ridge: z
    .number()
    .min(0)
    .default(1e-6)
    .describe('penalty on squared weights, relative to the number of rows'),
  steps: z.number().int().min(1).default(300).describe('steps of gradient descent'),
});

/** Linear models that tests of validation fit. */
export const linearFamily: Family<z.output<typeof options>> = {
  name: 'test_linear',
  title: 'Linear models of the tests',
  tasks: ['regression', 'classification'],
  options,
  async fit(task, data, { ridge, steps }, control) {
    if (control.signal?.aborted) throw new CancelledError('The fit was cancelled');
    const outputs = task === 'classification' ? data.classes! : 1;
    const { mean, std } = scale(data);
    const weights = new Float64Array((data.columns + 1) * outputs);
    for (let step = 0; step < steps; step++) descend(data, { mean, std }, weights, outputs, ridge, task);
    control.progress?.({ fraction: 1, step: steps, loss: 0 });
    return {
      model: graphOf(data.columns, outputs, { mean, std }, weights, task === 'classification'),
      history: [],
      facts: { steps, rows: data.rows },
    };
  },
};

type Scale = { readonly mean: Float64Array; readonly std: Float64Array };

function scale({ inputs, rows, columns }: TrainingData): Scale {
  const mean = new Float64Array(columns);
  const std = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) mean[i % columns]! += inputs[i]! / rows;
  for (let i = 0; i < rows * columns; i++) std[i % columns]! += (inputs[i]! - mean[i % columns]!) ** 2 / rows;
  return { mean, std: std.map((value) => Math.sqrt(value) || 1) };
}

function descend(
  { inputs, targets, rows, columns }: TrainingData,
  { mean, std }: Scale,
  weights: Float64Array,
  outputs: number,
  ridge: number,
  task: string,
): void {
  const width = columns + 1;
  const gradient = new Float64Array(weights.length);
  const x = new Float64Array(width);
  x[columns] = 1;
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < columns; j++) x[j] = (inputs[row * columns + j]! - mean[j]!) / std[j]!;
    const z = Float64Array.from({ length: outputs }, (_, k) =>
      x.reduce((sum, value, j) => sum + value * weights[j * outputs + k]!, 0),
    );
    const errors = task === 'classification' ? softmax(z) : z;
    if (task === 'classification') errors[targets![row]!]! -= 1;
    else errors[0]! -= targets![row]!;
    for (let j = 0; j < width; j++) {
      for (let k = 0; k < outputs; k++) gradient[j * outputs + k]! += (errors[k]! * x[j]!) / rows;
    }
  }
  // A step of 1 / (columns + 1) never passes the curvature of standardised inputs, whose trace is columns + 1.
  for (let i = 0; i < weights.length; i++) weights[i]! -= (gradient[i]! + ridge * weights[i]!) / width;
}

function softmax(z: Float64Array): Float64Array {
  const top = Math.max(...z);
  const raised = z.map((value) => Math.exp(value - top));
  const sum = raised.reduce((total, value) => total + value, 0);
  return raised.map((value) => value / sum);
}

function graphOf(
  columns: number,
  outputs: number,
  { mean, std }: Scale,
  weights: Float64Array,
  probabilities: boolean,
): ModelSpec {
  const constant = (name: string, values: Float64Array, dims: number[]) =>
    ({ name, type: 'float32', dims, data: Float32Array.from(values) }) as const;
  return {
    graph: {
      name: 'linear',
      nodes: [
        { op: 'Sub', inputs: ['input', 'mean'], outputs: ['centred'] },
        { op: 'Div', inputs: ['centred', 'std'], outputs: ['scaled'] },
        { op: 'Gemm', inputs: ['scaled', 'weights', 'bias'], outputs: [probabilities ? 'z' : 'output'] },
        ...(probabilities
          ? [{ op: 'Softmax', inputs: ['z'], outputs: ['output'], attributes: { axis: { int: 1 } } }]
          : []),
      ],
      constants: [
        constant('mean', mean, [columns]),
        constant('std', std, [columns]),
        constant('weights', weights.subarray(0, columns * outputs), [columns, outputs]),
        constant('bias', weights.subarray(columns * outputs), [outputs]),
      ],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', columns] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', outputs] }],
    },
  };
}
