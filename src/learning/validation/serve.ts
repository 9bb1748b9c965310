// Predictions of a fitted model as it will serve: through the bytes of its ONNX file.
import { encodeModel, type ModelSpec } from '../../onnx/graph.ts';
import { MAX_BATCH_ROWS, openSession } from '../../onnx/session.ts';
import { DivergedError } from '../errors.ts';

/**
 * Returns the output [rows, width] of the graph for `inputs` [rows, columns], which may hold NaN where the model reads it as
 * "missing". Throws InvalidModelError, and DivergedError when a prediction is not finite.
 */
export async function predictServed(
  model: ModelSpec,
  inputs: Float32Array,
  columns: number,
  threads = 1,
): Promise<{ readonly output: Float32Array; readonly width: number }> {
  const rows = inputs.length / columns;
  const session = await openSession(encodeModel(model), { provider: 'cpu', finite: false, threads });
  try {
    const parts: Float32Array[] = [];
    for (let from = 0; from < rows; from += MAX_BATCH_ROWS) {
      const to = Math.min(rows, from + MAX_BATCH_ROWS);
      parts.push(await session.predict(inputs.subarray(from * columns, to * columns), to - from));
    }
    const width = parts[0]!.length / Math.min(rows, MAX_BATCH_ROWS);
    const output = new Float32Array(rows * width);
    let at = 0;
    for (const part of parts) {
      output.set(part, at);
      at += part.length;
    }
    const bad = output.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      throw new DivergedError(
        `Expected finite predictions, was not at row ${Math.floor(bad / width)}`,
        Math.floor(bad / width),
      );
    }
    return { output, width };
  } finally {
    await session.close();
  }
}
