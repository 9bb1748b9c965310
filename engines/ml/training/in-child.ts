// Trains and validates in a process of its own: the engine answers meanwhile, and whatever happens there happens to one job.
import { resolve } from 'node:path';
import type { z } from 'zod';
import { ChildLostError, ChildProcess } from '../../../src/core/child-process.ts';
import type { Config } from '../../../src/core/config.ts';
import { DependencyUnavailableError, type NautilusError, TooLargeError } from '../../../src/core/errors.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { checkpointFolder } from './checkpoints.ts';
import { CHECKPOINT_MS, MAX_BYTES } from './limits.ts';
import { doneSchema, type Order, type Outcomes, progressSchema } from './messages.ts';
import type { TrainControl } from './train.ts';

const PROGRAM = resolve(import.meta.dir, 'child.ts');

/** What runs an order in a process. */
export interface ChildControl extends Pick<TrainControl, 'signal' | 'progress'> {
  readonly maxBytes?: number;
  /** Called with the id of the process. */
  readonly started?: (pid: number) => void;
}

/** Returns the part of an order that is the same for all work of the engine. */
export function orderOf({ dataDir, threads }: Config, jobId: string) {
  const checkpoints = checkpointFolder(dataDir, jobId);
  return { dataDir, threads: Math.max(1, threads), checkpoints, checkpointMs: CHECKPOINT_MS };
}

/**
 * Carries an order out in a process that yields to the engine, and resolves to its outcome; no process is left behind. Throws what
 * the work throws, as a plain NautilusError; CancelledError as soon as the signal fires; TooLargeError beyond `maxBytes`;
 * DependencyUnavailableError when the process ends in any other way.
 */
export async function inChild<O extends Order>(
  order: O,
  { signal, progress, started, maxBytes = MAX_BYTES }: ChildControl,
): Promise<Outcomes[O['kind']]> {
  if (signal.aborted) throw cancelled();
  const child = new ChildProcess<Order, z.infer<typeof doneSchema>, z.infer<typeof progressSchema>>({
    program: PROGRAM,
    purpose: 'that trains',
    threads: order.threads,
    maxBytes,
    answers: doneSchema,
    notes: progressSchema,
  });
  started?.(child.pid);
  try {
    const heard = (note: z.infer<typeof progressSchema>) => progress(note.progress);
    const { outcome } = await child.ask(order, { signal, heard });
    return outcome as Outcomes[O['kind']];
  } catch (error) {
    throw error instanceof ChildLostError ? lostAs(error, maxBytes) : error;
  } finally {
    child.kill();
    await child.exited;
  }
}

function cancelled(): CancelledError {
  return new CancelledError('The training was cancelled; nothing of it is kept');
}

function lostAs({ loss, how }: ChildLostError, maxBytes: number): NautilusError {
  if (loss === 'cancelled') return cancelled();
  if (loss === 'memory') return new TooLargeError('Expected a training within its memory', maxBytes);
  return new DependencyUnavailableError(`Expected the process that trains to live, was ended by ${how}`);
}
