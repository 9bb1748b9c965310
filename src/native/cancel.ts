// Cancels native work that runs off the JavaScript thread.
import { CancelledError, fromNative } from './errors.ts';

/**
 * Returns what `work` resolves to. Its argument is a token that turns from 0 when `signal` is aborted.
 * @throws CancelledError when `signal` is aborted already, and what the addon's errors mean.
 */
export async function withToken<T>(
  signal: AbortSignal | undefined,
  work: (token: Uint32Array) => Promise<T>,
): Promise<T> {
  if (signal?.aborted) throw new CancelledError('Expected to go on, was cancelled before the start');
  const token = new Uint32Array(new ArrayBuffer(4));
  const cancel = () => Atomics.store(token, 0, 1);
  signal?.addEventListener('abort', cancel);
  try {
    return await work(token);
  } catch (thrown) {
    throw fromNative(thrown);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
