// A job before it is stored: its input checked, its limits within range.
import { InvalidOptionError, TooLargeError } from '../core/errors.ts';
import { fieldErrors } from '../core/field-errors.ts';
import { newId } from '../core/ids.ts';
import { type JobDefinition, MAX_PRIORITY } from './define.ts';
import { createdUsOf, type JobRecord, MAX_JSON_BYTES, type NewJob } from './record.ts';

/** What may differ from the definition for a single job. */
export interface AddOptions {
  /** Of `newId`; a new one when absent. */
  readonly id?: string;
  readonly priority?: number;
  /** Instead of the key of the definition. */
  readonly dedupKey?: string;
  readonly delayMs?: number;
  readonly correlationId?: string | undefined;
}

const LONGEST_DELAY_MS = 366 * 86_400_000;

/**
 * Returns a job to be added. Throws {@link InvalidOptionError} for an input that its schema refuses or a number out of range,
 * {@link TooLargeError} for an input over 1 MiB.
 */
export function newJob(definition: JobDefinition, input: unknown, options: AddOptions): NewJob {
  const checked = definition.input.safeParse(input);
  if (!checked.success) {
    const errors = fieldErrors(checked.error.issues, '', input);
    throw new InvalidOptionError(`Expected an input of the job ${definition.kind}`, errors);
  }
  const { priority = definition.priority, delayMs = 0 } = options;
  inRange('priority', priority, MAX_PRIORITY);
  inRange('delayMs', delayMs, LONGEST_DELAY_MS);
  if (Buffer.byteLength(JSON.stringify(checked.data) ?? '') > MAX_JSON_BYTES)
    throw new TooLargeError(`Expected an input of at most ${MAX_JSON_BYTES} bytes of JSON`, MAX_JSON_BYTES);
  return {
    id: options.id ?? newId(),
    kind: definition.kind,
    input: checked.data,
    priority,
    attempts: definition.attempts,
    dedupKey: options.dedupKey ?? definition.dedupKey?.(checked.data) ?? null,
    correlationId: options.correlationId ?? null,
    delayMs,
  };
}

/** Returns a job as it is right after it was added. */
export function recordOf(job: NewJob): JobRecord {
  return {
    ...job,
    state: job.delayMs > 0 ? 'delayed' : 'waiting',
    attempt: 0,
    cancelRequested: false,
    progress: null,
    error: null,
    createdUs: createdUsOf(job.id),
    startedUs: null,
    finishedUs: null,
  };
}

function inRange(name: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return;
  const expected = `an integer from 0 to ${most}`;
  throw new InvalidOptionError(`Expected ${expected} for ${name}`, [{ pointer: `/${name}`, expected }]);
}
