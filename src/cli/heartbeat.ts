// The sign of life of a process under the supervisor.
import type { EngineMessage } from './child.ts';

const INTERVAL_MS = 1000;

/** Tells the supervisor every second that the event loop turns. Without a supervisor nothing is told. */
export function startHeartbeat(): void {
  const alive: EngineMessage = { type: 'alive' };
  setInterval(() => {
    if (process.connected) process.send?.(alive);
  }, INTERVAL_MS).unref();
}
