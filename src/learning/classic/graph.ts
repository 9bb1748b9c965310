// Serving graphs of the classic families: standardised inputs, then what the family adds.
import type { ModelSpec, NodeSpec, TensorSpec } from '../../onnx/graph.ts';
import { DivergedError } from '../errors.ts';
import type { Standard } from './rows.ts';

/** Returns a float32 constant. Throws DivergedError for a number that float32 can't hold. */
export function floats(name: string, values: ArrayLike<number>, dims: readonly number[]): TensorSpec {
  const data = Float32Array.from(values);
  if (!data.every(Number.isFinite))
    throw new DivergedError(
      'Expected parameters that float32 can hold, was not (are inputs and targets of ordinary size?)',
      0,
    );
  return { name, type: 'float32', dims, data };
}

/** Returns an int64 constant. */
export function integers(name: string, values: readonly number[], dims: readonly number[]): TensorSpec {
  return { name, type: 'int64', dims, data: BigInt64Array.from(values, BigInt) };
}

/** A node with one output. */
export const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec => ({ op, inputs, outputs: [output], attributes });

/** What a graph is made of: the parts read `standard`, the last one writes `output`. */
export interface Parts {
  readonly name: string;
  readonly doc: string;
  readonly width: number;
  readonly nodes: readonly NodeSpec[];
  readonly constants: readonly TensorSpec[];
}

/**
 * Returns the model of `parts` behind the standardisation of each of `columns` inputs: `input` float32 [N, columns] to `output`
 * float32 [N, width]. (x - mean) before the division, not folded into one product, keeps inputs with a large mean exact.
 */
export function servingModel(columns: number, { shift, scale, plain }: Standard, parts: Parts): ModelSpec {
  const nodes = plain
    ? [node('Identity', ['input'], 'standard')]
    : [node('Sub', ['input', 'shift'], 'centred'), node('Div', ['centred', 'scale'], 'standard')];
  const constants = plain ? [] : [floats('shift', shift, [columns]), floats('scale', scale, [columns])];
  return {
    doc: parts.doc,
    graph: {
      name: parts.name,
      nodes: [...nodes, ...parts.nodes],
      constants: [...constants, ...parts.constants],
      inputs: [{ name: 'input', type: 'float32', dims: ['N', columns] }],
      outputs: [{ name: 'output', type: 'float32', dims: ['N', parts.width] }],
    },
  };
}

/** Coefficients of standardised inputs, [columns, width], and one intercept for each output. */
export interface Linear {
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
}

/** Returns the model of `standard coefficients + intercepts`, through a softmax when `probabilities`. */
export function linearModel(
  name: string,
  columns: number,
  standard: Standard,
  { coefficients, intercepts }: Linear,
  probabilities = false,
): ModelSpec {
  const width = intercepts.length;
  const gemm = node('Gemm', ['standard', 'coefficients', 'intercepts'], probabilities ? 'scores' : 'output');
  return servingModel(columns, standard, {
    name,
    doc: `${name}: ${probabilities ? 'probabilities of' : ''} a linear function of the inputs`.replace(
      '  ',
      ' ',
    ),
    width,
    nodes: probabilities ? [gemm, node('Softmax', ['scores'], 'output', { axis: { int: -1 } })] : [gemm],
    constants: [
      floats('coefficients', coefficients, [columns, width]),
      floats('intercepts', intercepts, [width]),
    ],
  });
}
