// Structured logs: one JSON object a line on standard output; a terminal gets a readable form from the supervisor.
import pino from 'pino';
import { redact, SECRET_FIELDS } from './redact.ts';

/** The logger that engines receive. */
export type Log = pino.Logger;

// Secrets are taken out by the name of their field, and by their form out of every text: messages, errors, stacks.
function options(engine: string, level: string): pino.LoggerOptions {
  return {
    name: engine,
    level,
    base: { engine, pid: process.pid },
    redact: {
      paths: SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]),
      censor: '[redacted]',
    },
    hooks: { streamWrite: redact },
  };
}

/**
 * Returns a logger whose lines go to `write`, for the one process that shows the lines of others too. Secrets are redacted.
 */
export function createLogTo(engine: string, level: string, write: (line: string) => void): Log {
  return pino(options(engine, level), { write });
}

/**
 * Returns a logger that stamps each line with `engine`. `level` is one of pino's names. Lines go to file descriptor 1
 * without blocking the event loop; a line is cut at 64 KiB buffered per write, never interleaved. Secrets are redacted.
 */
export function createLog(engine: string, level: string): Log {
  return pino(options(engine, level), pino.destination({ fd: 1, sync: false }));
}
