// The ONNX graph of a logistic regression over standardised inputs.
import { InvalidOptionError, ShapeMismatchError } from '../core/errors.ts';
import { encodeModel } from './graph.ts';

/** Parameters of a logistic regression: one mean, deviation and coefficient per input, in the order of `inputNames`. */
export interface LogisticParameters {
  readonly inputNames: readonly string[];
  readonly mean: readonly number[];
  /** Standard deviations; all above zero. */
  readonly std: readonly number[];
  /** Weights of the standardised inputs (log-odds per standard deviation). */
  readonly coefficients: readonly number[];
  readonly intercept: number;
}

/**
 * Returns the file of `probability = sigmoid(intercept + sum_j coefficients[j] * (input[j] - mean[j]) / std[j])`.
 * Input `input`: float32 [N, F]; output `probability`: float32 [N, 1], from 0 to 1. Parameters are rounded to float32.
 * `metadata` joins `input_names` (comma separated) in `metadata_props`.
 * Throws ShapeMismatchError when lengths differ, InvalidOptionError for non-finite parameters or a deviation <= 0.
 */
export function encodeLogistic(
  parameters: LogisticParameters,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  const { inputNames, mean, std, coefficients, intercept } = parameters;
  const width = inputNames.length;
  if (width === 0) throw new InvalidOptionError('Expected at least one input');
  if ([mean, std, coefficients].some((list) => list.length !== width)) {
    throw new ShapeMismatchError(`Expected ${width} means, deviations and coefficients, one per input`);
  }
  if (![...mean, ...std, ...coefficients, intercept].every((value) => Number.isFinite(Math.fround(value)))) {
    throw new InvalidOptionError('Expected parameters that are finite in float32');
  }
  if (std.some((value) => Math.fround(value) <= 0)) {
    throw new InvalidOptionError('Expected standard deviations above zero');
  }
  const vector = (name: string, values: readonly number[], dims: readonly number[]) =>
    ({ name, type: 'float32', dims, data: Float32Array.from(values) }) as const;
  return encodeModel({
    doc: 'Logistic regression over standardised inputs',
    metadata: { input_names: inputNames.join(','), ...metadata },
    graph: {
      name: 'logistic_regression',
      nodes: [
        // Sub and Div rather than one folded Gemm: (x - mean) before scaling keeps inputs with a large mean exact.
        { op: 'Sub', inputs: ['input', 'mean'], outputs: ['centred'] },
        { op: 'Div', inputs: ['centred', 'std'], outputs: ['standardised'] },
        { op: 'Gemm', inputs: ['standardised', 'coefficients', 'intercept'], outputs: ['log_odds'] },
        { op: 'Sigmoid', inputs: ['log_odds'], outputs: ['probability'] },
      ],
      constants: [
        vector('mean', mean, [width]),
        vector('std', std, [width]),
        vector('coefficients', coefficients, [width, 1]),
        vector('intercept', [intercept], [1]),
      ],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', width] }],
      outputs: [{ name: 'probability', type: 'float32', dims: ['N', 1] }],
    },
  });
}

/**
 * Returns the same probability in float64 for one row, without ONNX Runtime: the reference of tests and benches.
 * `row` has one value per input; a NaN gives NaN.
 */
export function logisticProbability(parameters: LogisticParameters, row: ArrayLike<number>): number {
  let logOdds = parameters.intercept;
  for (let j = 0; j < parameters.coefficients.length; j++) {
    logOdds += (parameters.coefficients[j]! * (row[j]! - parameters.mean[j]!)) / parameters.std[j]!;
  }
  return 1 / (1 + Math.exp(-logOdds));
}
