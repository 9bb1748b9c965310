// Trains and validates in a process of its own: the engine answers meanwhile, and whatever happens there happens to one job.
import { resolve } from 'node:path';
import type { Config } from '../../../src/core/config.ts';
import {
  DependencyUnavailableError,
  InvariantError,
  NautilusError,
  TooLargeError,
} from '../../../src/core/errors.ts';
import { MEMORY_SIGNAL } from '../../../src/core/memory-limit.ts';
import { CancelledError } from '../../../src/native/errors.ts';
import { checkpointFolder } from './checkpoints.ts';
import { CHECKPOINT_MS, MAX_BYTES } from './limits.ts';
import type { Order, Outcomes, Said } from './messages.ts';
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
  const { promise, resolve, reject } = Promise.withResolvers<Outcomes[O['kind']]>();
  const child = start(order.threads, maxBytes, (said) => {
    if (said.type === 'ready') child.send(order);
    else if (said.type === 'progress') progress(said.progress);
    else if (said.type === 'done') resolve(said.outcome as Outcomes[O['kind']]);
    else reject(errorOf(said));
  });
  started?.(child.pid);
  void child.exited.then(() => {
    if (child.signalCode === MEMORY_SIGNAL)
      return reject(new TooLargeError('Expected a training within its memory', maxBytes));
    const how = child.signalCode ?? `code ${child.exitCode}`;
    reject(new DependencyUnavailableError(`Expected the process that trains to live, was ended by ${how}`));
  });
  const abort = () => reject(cancelled());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', abort);
    child.kill('SIGKILL');
    await child.exited;
  }
}

function start(threads: number, maxBytes: number, ipc: (said: Said) => void): Bun.Subprocess {
  try {
    return Bun.spawn([process.execPath, '--no-orphans', PROGRAM, String(maxBytes)], {
      ipc,
      serialization: 'advanced',
      stdin: 'ignore',
      // What a library prints is no log of ours.
      stdout: 'ignore',
      stderr: 'ignore',
      env: { ...process.env, NAUTILUS_THREADS: String(threads) },
    });
  } catch (cause) {
    const error = new DependencyUnavailableError('Expected a process that trains, was refused');
    error.cause = cause;
    throw error;
  }
}

function cancelled(): CancelledError {
  return new CancelledError('The training was cancelled; nothing of it is kept');
}

function errorOf(said: Extract<Said, { type: 'failed' }>): NautilusError {
  const { slug, status, title, detail, extras, stack } = said;
  const error =
    slug === 'internal'
      ? new InvariantError(detail.replace('Invariant: ', ''))
      : new NautilusError(slug, status, title, detail, extras);
  // Where it happened, for the log.
  if (stack !== undefined) error.cause = stack;
  return error;
}
