// Ends its process when it holds too much memory. A thread of its own, since a model runs as one stretch of native code in the other.
import { workerData } from 'node:worker_threads';
import { MEMORY_SIGNAL } from './memory-limit.ts';

/** Milliseconds between two looks; memory grows by at most a few GB in a second. */
const LOOK_MS = 5;

const { limitBytes } = workerData as { readonly limitBytes: number };
setInterval(() => {
  if (process.memoryUsage.rss() > limitBytes) process.kill(process.pid, MEMORY_SIGNAL);
}, LOOK_MS);
