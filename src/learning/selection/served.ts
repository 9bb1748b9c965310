// A served model as a function of rows, and the features that its inputs are made of.
import { openSession } from '../../onnx/session.ts';
import { DivergedError } from '../errors.ts';

/** Rows of one run. */
const RUN_ROWS = 20_000;

/** A model that answers rows. */
export interface ServedFunction {
  readonly columns: number;
  /** Returns [rows, width]. Throws DivergedError for an answer that is not finite. */
  predict(inputs: Float32Array): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens the bytes of an artefact on the CPU. Throws what `openSession` throws. */
export async function serve(
  bytes: Uint8Array,
  { input, output, columns, threads }: { input: string; output: string; columns: number; threads: number },
): Promise<ServedFunction> {
  const session = await openSession(bytes, { provider: 'cpu', finite: false, threads, input, output });
  return {
    columns,
    close: () => session.close(),
    async predict(inputs) {
      const rows = inputs.length / columns;
      const parts: Float32Array[] = [];
      for (let from = 0; from < rows; from += RUN_ROWS) {
        const to = Math.min(rows, from + RUN_ROWS);
        parts.push(await session.predict(inputs.subarray(from * columns, to * columns), to - from));
      }
      const answers = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) {
        answers.set(part, at);
        at += part.length;
      }
      const bad = answers.findIndex((value) => !Number.isFinite(value));
      if (bad < 0) return answers;
      const row = Math.floor((bad * rows) / answers.length);
      throw new DivergedError(`Expected finite predictions, was not at row ${row}`, row);
    },
  };
}

/** One feature of a model: the columns of its steps belong together. */
export interface FeatureGroup {
  readonly name: string;
  readonly columns: readonly number[];
}

/** Returns the features behind the names of inputs: `close@-1` and `close` are one. */
export function featureGroups(inputs: readonly string[]): FeatureGroup[] {
  const groups = Map.groupBy(inputs.keys(), (i) => inputs[i]!.replace(/@-\d+$/, ''));
  return [...groups].map(([name, columns]) => ({ name, columns }));
}
