// What the families without labels share: options, standardised rows of their own type, graphs of probabilities.
import { z } from 'zod';
import { InvalidOptionError } from '../../core/errors.ts';
import type { NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import type { TrainingData } from '../family.ts';
import { floats, integers, node } from './graph.ts';
import { checkInputs, type Standard, standardised, standardOf, weightsOf } from './rows.ts';

/** The option of every family that measures distances. */
export const standardise = z
  .boolean()
  .default(true)
  .describe('subtract the (weighted) mean of each input and divide by its population deviation first');

/** Standardised rows in float64. */
export interface Cloud {
  readonly standard: Standard;
  readonly values: Float64Array;
  /** Present when the caller gave them. */
  readonly weights?: Float64Array;
}

/** Checks and standardises the rows of a family without labels. Throws as `Family.fit`. */
export function cloudOf(data: TrainingData, wanted: boolean, least: number): Cloud {
  checkInputs(data, least);
  const { weights, total } = weightsOf(data);
  const standard = standardOf(data, weights, total, wanted);
  const values = standardised(data, standard);
  return { standard, values, ...(data.weights ? { weights } : {}) };
}

/** Throws InvalidOptionError for weights that a family has no use for. */
export function refuseWeights(family: string, { weights }: TrainingData): void {
  if (weights === undefined) return;
  const expected = `no weights: ${family} reads rows as they follow each other`;
  throw new InvalidOptionError(`Expected ${expected}`, [
    { pointer: '/weights', expected, received: 'weights' },
  ]);
}

/** Nodes and constants of part of a graph. */
export interface Section {
  readonly nodes: readonly NodeSpec[];
  readonly constants: readonly TensorSpec[];
}

/**
 * Returns what makes `output` [N, count] of `from`, the squared distances [N, points] of `standard` to `points`, row-major
 * [count of points, columns]: |x|^2 is left out, as it is the same for all.
 */
export function distances(points: Float64Array, columns: number, to: string): Section {
  const count = points.length / columns;
  const turned = new Float64Array(points.length);
  const squares = new Float64Array(count);
  for (let k = 0; k < count; k++) {
    for (let j = 0; j < columns; j++) {
      const value = points[k * columns + j]!;
      turned[j * count + k] = -2 * value;
      squares[k]! += value * value;
    }
  }
  return {
    nodes: [node('Gemm', ['standard', 'points', 'squares'], to)],
    constants: [floats('points', turned, [columns, count]), floats('squares', squares, [count])],
  };
}

/** Returns what makes `output` [N, count], 1 where `from`, int64 [N, 1], is the column, else 0. */
export function oneHot(from: string, count: number): Section {
  const places = Array.from({ length: count }, (_, k) => k);
  return {
    nodes: [node('Equal', [from, 'places'], 'hit'), node('Cast', ['hit'], 'output', { to: { int: 1 } })],
    constants: [integers('places', places, [count])],
  };
}
