// A process that does one task and ends: what comes goes in at once, what it says comes out.
import { DependencyUnavailableError } from '../../../src/core/errors.ts';

/** Limits of one task. */
export interface TaskLimits {
  readonly timeoutMs: number;
  /** Resident memory of the process, which keeps to it by itself. */
  readonly maxBytes: number;
}

/**
 * Starts `script` with `stdin`. It is killed by SIGKILL after `timeoutMs`, and with this process. Throws DependencyUnavailableError where the
 * system has no process left; `what` says what it was for.
 */
export function startTask(script: string, stdin: Blob, { timeoutMs, maxBytes }: TaskLimits, what: string) {
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
    const error = new DependencyUnavailableError(`Expected a process ${what}, was refused`);
    error.cause = cause;
    throw error;
  }
}
