// Tries a model in a process of its own, within a time and a memory: what a model does there happens to nobody else.
import { resolve } from 'node:path';
import { z } from 'zod';
import { ChildLostError } from '../../../src/core/child-process.ts';
import { BackendUnavailableError } from '../../../src/core/errors.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import type { FixedFile } from '../../../src/onnx/session.ts';
import { framed, runTask, type TaskLimits } from './one-task.ts';
import { fromText } from './probe.ts';

/** What is asked of the process; the first part of its input. */
export interface TrialHeader {
  readonly rows: number;
  readonly columns: number;
  readonly input: string;
  readonly output: string;
  readonly provider: ProviderChoice['provider'];
  /** Rows and lengths of the files of a variant, which come before the model. */
  readonly files?: readonly { readonly rows: number; readonly bytes: number }[];
}

/** What it says. */
export type TrialAnswer =
  | { readonly outputs: string; readonly provider: string }
  | { readonly error: string; readonly status: number };

const answerSchema: z.ZodType<TrialAnswer> = z.union([
  z.object({ outputs: z.string(), provider: z.string() }),
  z.object({ error: z.string(), status: z.number() }),
]);

/** One trial: [rows, columns] inputs. */
export interface Trial extends Omit<TrialHeader, 'files'> {
  readonly model: Uint8Array;
  /** Files of a variant that runs in place of the model on an accelerator. */
  readonly variant?: readonly FixedFile[];
  readonly inputs: Float32Array;
}

/** What came out of a trial. */
export interface TrialResult {
  readonly outputs: Float32Array;
  /** What ran it in the end. */
  readonly provider: string;
}

const CHILD = resolve(import.meta.dir, 'trial-child.ts');
/** Memory of a process with an empty model is about 150 MB. */
const MAX_BYTES = 2 ** 31;

/**
 * Loads a model in a process of its own and returns its answer. Throws InvalidModelError when it does not load, fails on these
 * rows, ends its process, or takes longer or more memory than allowed; BackendUnavailableError for hardware that is absent.
 */
export async function tryModel(
  { model, variant = [], inputs, ...trial }: Trial,
  { timeoutMs, maxBytes = MAX_BYTES }: Partial<TaskLimits> & Pick<TaskLimits, 'timeoutMs'>,
): Promise<TrialResult> {
  const files = variant.map(({ rows, bytes }) => ({ rows, bytes: bytes.length }));
  const header: TrialHeader = { ...trial, files };
  const data = new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength);
  const input = framed(header, [data, ...variant.map(({ bytes }) => bytes), model]);
  const said = await runTask(CHILD, input, { timeoutMs, maxBytes }, 'for the trial of a model').catch(
    (error) => {
      if (!(error instanceof ChildLostError)) throw error;
      throw new InvalidModelError(
        error.loss === 'memory'
          ? `Expected a model that runs within ${maxBytes} bytes of memory`
          : `Expected a model that answers ${header.rows} rows within ${timeoutMs} ms`,
      );
    },
  );
  return resultOf(new TextDecoder().decode(said));
}

function resultOf(said: string): TrialResult {
  let answer: TrialAnswer;
  try {
    answer = answerSchema.parse(JSON.parse(said));
  } catch (cause) {
    throw new InvalidModelError('Expected a model that runs, its process has ended', cause);
  }
  if ('outputs' in answer) return { outputs: fromText(answer.outputs), provider: answer.provider };
  if (answer.status === 503) throw new BackendUnavailableError(answer.error);
  throw new InvalidModelError(answer.error);
}
