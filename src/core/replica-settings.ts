// How many processes each engine has, as an operator asks for it, and which of them this process is.
import { InvalidOptionError } from './errors.ts';

/** Most replicas of one engine; there are 8 partitions to divide. */
export const MAX_REPLICAS = 64;

/** Which replica a process is; set by the supervisor. */
export interface ReplicaSettings {
  /** Counts from 0. */
  readonly index: number;
  /** The port that all replicas share; undefined for the first one when any free port will do. */
  readonly port: number | undefined;
}

/**
 * Returns the number of processes by engine from `analytics=3,ml=2`; empty text asks for none. Throws
 * {@link InvalidOptionError} for another form, a count outside 1..64 and an engine that is named twice.
 */
export function replicaCounts(text: string, where: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const part of text.split(',').map((p) => p.trim())) {
    if (part === '') continue;
    const [, name, digits] = /^([a-z]+)=(\d{1,3})$/.exec(part) ?? [];
    const count = Number(digits);
    if (name === undefined || counts.has(name) || !(count >= 1 && count <= MAX_REPLICAS)) {
      throw new InvalidOptionError(
        `Expected ${where} to name each engine once with 1 to ${MAX_REPLICAS} replicas (analytics=3), was ${part}`,
      );
    }
    counts.set(name, count);
  }
  return counts;
}
