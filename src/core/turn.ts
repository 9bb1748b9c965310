// A turn of the event loop, for long work on the thread that answers requests.

/** Resolves after what has come meanwhile (requests, messages, timers) had its turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
