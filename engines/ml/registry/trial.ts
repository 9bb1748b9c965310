// Tries a model in a process of its own, within a time and a memory: what a model does there happens to nobody else.
import { resolve } from 'node:path';
import { z } from 'zod';
import { BackendUnavailableError } from '../../../src/core/errors.ts';
import { MEMORY_SIGNAL } from '../../../src/core/memory-limit.ts';
import { InvalidModelError } from '../../../src/onnx/errors.ts';
import type { ProviderChoice } from '../../../src/onnx/provider.ts';
import type { FixedFile } from '../../../src/onnx/session.ts';
import { startTask, type TaskLimits } from './one-task.ts';
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
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new Uint32Array([text.length]).buffer);
  const data = new Uint8Array(inputs.buffer, inputs.byteOffset, inputs.byteLength);
  const parts = [length, text, data.slice(), ...variant.map(({ bytes }) => bytes.slice()), model.slice()];
  const child = startTask(CHILD, new Blob(parts), { timeoutMs, maxBytes }, 'for the trial of a model');
  const [said] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  if (child.signalCode === MEMORY_SIGNAL)
    throw new InvalidModelError(`Expected a model that runs within ${maxBytes} bytes of memory`);
  if (child.signalCode === 'SIGKILL') {
    throw new InvalidModelError(`Expected a model that answers ${header.rows} rows within ${timeoutMs} ms`);
  }
  return resultOf(said);
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
