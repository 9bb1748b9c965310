// Models and helpers that the tests of this folder share.
import { encodeModel, type GraphSpec, type NodeSpec } from './graph.ts';
import type { LogisticParameters } from './logistic.ts';

/** A logistic regression with unequal scales, so that a swapped mean or deviation shows. */
export const logistic: LogisticParameters = {
  inputNames: ['a', 'b', 'c'],
  mean: [0.5, -2, 1000],
  std: [0.1, 3, 250],
  coefficients: [0.7, -1.3, 0.05],
  intercept: -0.2,
};

/** Returns rows of inputs near the means of `logistic`, from a fixed formula. */
export function logisticRows(rows: number): Float32Array {
  return Float32Array.from({ length: rows * 3 }, (_, i) => {
    const j = i % 3;
    return logistic.mean[j]! + 2.5 * logistic.std[j]! * Math.sin(i * 1.7 + j);
  });
}

/** Returns a model file of the given nodes from `input` [N, 2] to `output` [N, 2], with overrides. */
export function modelOf(nodes: readonly NodeSpec[], graph: Partial<GraphSpec> = {}): Uint8Array<ArrayBuffer> {
  return encodeModel({
    graph: {
      name: 'test',
      nodes,
      constants: [],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', 2] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', 2] }],
      ...graph,
    },
  });
}
