// Variants of a model: files made of its file for hardware or for size, to be compared with it before they serve.
import { decodeModel } from '../decode.ts';
import { InvalidModelError } from '../errors.ts';
import { encodeModel, type ModelSpec } from '../graph.ts';
import { type Coverage, coverageOf } from './coverage.ts';
import { inHalf, type Kept, planHalf } from './float16.ts';
import { quantised } from './int8.ts';
import { withRows } from './rows.ts';
import { inferValues } from './shapes.ts';

/** What a variant calculates in. */
export type Precision = 'float16' | 'int8';

/** Rows that the files of a float16 variant take: one for requests, the other for batches, which are filled up. */
export const STATIC_ROWS = [1, 64] as const;

/** One file; `rows` is null where it takes any number. */
export interface VariantFile {
  readonly rows: number | null;
  readonly bytes: Uint8Array;
}

/** A float16 variant with static shapes. */
export interface HalfVariant {
  readonly files: readonly VariantFile[];
  /** A file for any number of rows that rounds as float16 does, on hardware that calculates in float32. */
  readonly rehearsal: Uint8Array;
  readonly coverage: Coverage;
  readonly halfNodes: number;
  readonly kept: readonly { readonly reason: Kept; readonly nodes: number }[];
}

/** A variant with 8-bit weights. */
export interface Int8Variant {
  readonly files: readonly VariantFile[];
  readonly weights: number;
  /** Share of the model's numbers that are 8-bit now. */
  readonly quantisedShare: number;
}

/** `DequantizeLinear` with a scale for each channel came with it. */
const LEAST_OPSET = 13;

/** Returns what Core ML would take of a model, in its float16 form. Throws what `decodeModel` throws. */
export function coverageOfModel(bytes: Uint8Array): Coverage {
  const rows = STATIC_ROWS[1];
  const { graph } = decodeModel(bytes);
  return coverageOf(graph, inferValues(graph, rows), rows);
}

/**
 * Returns the float16 variant of a model, made of `source` (SHA-256). Throws what `decodeModel` throws, and InvalidModelError where nothing of
 * it would calculate in float16.
 */
export function makeHalf(bytes: Uint8Array, source: string): HalfVariant {
  const model = decodeModel(bytes);
  const { graph } = model;
  const made = STATIC_ROWS.map((rows) => {
    const values = inferValues(graph, rows);
    const plan = planHalf(graph, values);
    return { rows, values, plan, graph: withRows(inHalf(graph, values, plan), values, rows) };
  });
  const { plan, values, rows } = made.at(-1)!;
  if (plan.half.size === 0)
    throw new InvalidModelError(
      'Expected products of matrices that Core ML takes, was none: float16 would change nothing',
    );
  return {
    files: made.map((one) => ({
      rows: one.rows,
      bytes: encoded(model, one.graph, { variant: 'float16', rows: `${one.rows}`, source_sha256: source }),
    })),
    rehearsal: encodeModel({ ...model, graph: inHalf(graph, values, plan, true) }),
    coverage: coverageOf(graph, values, rows),
    halfNodes: plan.half.size,
    kept: plan.kept,
  };
}

/** Returns the variant with 8-bit weights. Throws what `decodeModel` throws, and InvalidModelError where there is nothing to quantise. */
export function makeInt8(bytes: Uint8Array, source: string): Int8Variant {
  const model = decodeModel(bytes);
  if ((model.opset ?? 0) < LEAST_OPSET)
    throw new InvalidModelError(`Expected operator set ${LEAST_OPSET} or newer for 8-bit weights, was older`);
  const { graph, weights, quantised: count, parameters } = quantised(model.graph);
  if (weights === 0)
    throw new InvalidModelError(
      'Expected constant weights of products or convolutions, was none: 8 bits would change nothing',
    );
  return {
    files: [{ rows: null, bytes: encoded(model, graph, { variant: 'int8', source_sha256: source }) }],
    weights,
    quantisedShare: count / parameters,
  };
}

function encoded(
  model: ModelSpec,
  graph: ModelSpec['graph'],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  return encodeModel({ ...model, graph, metadata: { ...model.metadata, ...metadata } });
}
