// A limit of the memory of a child process, which it keeps by itself: one stretch of native code cannot be interrupted, but ended.
import { Worker } from 'node:worker_threads';

/** How a process that holds too much memory ends itself, so that its parent can tell that from a crash. */
export const MEMORY_SIGNAL = 'SIGUSR2';

/** Ends this process by {@link MEMORY_SIGNAL} as soon as it holds more than `limitBytes` of resident memory. Does not keep it alive. */
export function limitMemory(limitBytes: number): void {
  new Worker(new URL('./memory-watch.ts', import.meta.url), { workerData: { limitBytes } }).unref();
}
