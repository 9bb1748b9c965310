// A process that does one task and ends: what comes goes in at once, what it says comes out. Both sides of its pipe.
import { ChildLostError } from '../../../src/core/child-process.ts';
import { DependencyUnavailableError } from '../../../src/core/errors.ts';
import { MEMORY_SIGNAL } from '../../../src/core/memory-limit.ts';

/** Limits of one task. */
export interface TaskLimits {
  readonly timeoutMs: number;
  /** Resident memory of the process, which keeps to it by itself. */
  readonly maxBytes: number;
}

/** What a process finds on its standard input. */
export interface TaskInput<Header> {
  readonly header: Header;
  readonly bytes: Uint8Array;
}

/** Returns a header of JSON and `parts` as one: length of the header (uint32), header, parts. */
export function framed(header: object, parts: readonly Uint8Array[]): Blob {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(new Uint32Array([text.length]).buffer);
  return new Blob([length, text, ...parts.map((part) => part.slice())]);
}

/** Returns what {@link framed} made one of; `bytes` are a view. Throws SyntaxError and RangeError for anything else. */
export function unframed<Header>(all: Uint8Array): TaskInput<Header> {
  const start = 4 + new DataView(all.buffer, all.byteOffset, all.byteLength).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(all.subarray(4, start)));
  return { header, bytes: all.subarray(start) };
}

/**
 * Runs `script` on `input` and returns what it said, which is nothing where it crashed. It is killed by SIGKILL after `timeoutMs`, and with this
 * process. Throws ChildLostError when it took too much memory or time, and DependencyUnavailableError where the system has no
 * process left; `purpose` says what it was for.
 */
export async function runTask(
  script: string,
  input: Blob,
  limits: TaskLimits,
  purpose: string,
): Promise<Uint8Array> {
  const child = start(script, input, limits, purpose);
  const [said] = await Promise.all([new Response(child.stdout).bytes(), child.exited]);
  const { signalCode } = child;
  if (signalCode === MEMORY_SIGNAL) throw new ChildLostError('memory', signalCode);
  if (signalCode === 'SIGKILL') throw new ChildLostError('time', signalCode);
  return said;
}

function start(script: string, stdin: Blob, { timeoutMs, maxBytes }: TaskLimits, purpose: string) {
  try {
    return Bun.spawn([process.execPath, script, String(maxBytes)], {
      stdin,
      stdout: 'pipe',
      stderr: 'ignore',
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      env: { ...process.env, BUN_FEATURE_FLAG_NO_ORPHANS: '1' },
    });
  } catch (cause) {
    const error = new DependencyUnavailableError(`Expected a process ${purpose}, was refused`);
    error.cause = cause;
    throw error;
  }
}
