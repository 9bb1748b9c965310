// Native work on behalf of a request: stopped when its time is over.
import { DeadlineExceededError } from '../core/errors.ts';
import { CancelledError } from '../native/index.ts';

/**
 * Returns what `work` resolves to; its signal is aborted after `timeoutMs`. `name` says in the error what took too long.
 * @throws DeadlineExceededError when `work` was cancelled by it.
 */
export async function withDeadline<T>(
  name: string,
  timeoutMs: number,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  try {
    return await work(AbortSignal.timeout(timeoutMs));
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new DeadlineExceededError(`Expected ${name} to end within ${timeoutMs} ms, was stopped`);
  }
}
