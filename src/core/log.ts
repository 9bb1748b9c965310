// Structured logs: one JSON object a line on standard output; a terminal gets a readable form from the supervisor.
import pino from 'pino';

/** The logger that engines receive. */
export type Log = pino.Logger;

/**
 * Returns a logger whose lines go to `write`, for the one process that shows the lines of others too.
 */
export function createLogTo(engine: string, level: string, write: (line: string) => void): Log {
  return pino({ name: engine, level, base: { engine, pid: process.pid } }, { write });
}

/**
 * Returns a logger that stamps each line with `engine`. `level` is one of pino's names. Lines go to file descriptor 1
 * without blocking the event loop; a line is cut at 64 KiB buffered per write, never interleaved.
 */
export function createLog(engine: string, level: string): Log {
  return pino(
    { name: engine, level, base: { engine, pid: process.pid } },
    pino.destination({ fd: 1, sync: false }),
  );
}
