// The durable log as everything else sees it: ordered streams that keep what was appended; the hub, Redis and memory carry it.
import { InvalidOptionError, TooLargeError } from '../core/errors.ts';

/**
 * One stream: a partition of a topic. Its owner numbers the events of a stream itself, 1, 2, 3 ..., in its own database; a
 * `generation` names that database (newer ones compare greater), so that an owner that begins anew is never taken for the old one.
 */
export interface StreamId {
  readonly topic: string;
  readonly partition: number;
}

/** One event of a stream. */
export interface LogEvent {
  readonly position: number;
  /** JSON text of an envelope. */
  readonly payload: string;
}

/** Where a reader stands: it has had everything up to `position` of `generation`. `''` and 0 stand before everything. */
export interface LogPlace extends StreamId {
  readonly generation: string;
  readonly position: number;
}

/** What a read found in one stream. */
export interface LogBatch extends StreamId {
  /** May be newer than the reader's; the events are then the first ones of it that the log holds. */
  readonly generation: string;
  /** In order, without holes, never empty. */
  readonly events: readonly LogEvent[];
}

/**
 * Where a stream begins and ends; both 0 and generation '' when nothing was ever appended. `first` is `last + 1` when all events
 * are forgotten (trim, retention): the stream still knows its generation and its last position.
 */
export interface LogBounds {
  readonly generation: string;
  readonly first: number;
  readonly last: number;
}

export interface ReadOptions {
  /** Most events of one batch. */
  readonly maxEvents: number;
  /** How long to wait for events when there are none, in milliseconds; 0 answers at once. */
  readonly waitMs: number;
  /** Ends the wait early; the read resolves with what it has. */
  readonly signal?: AbortSignal;
}

/**
 * Keeps streams over restarts of every process. Every call rejects with DependencyUnavailableError while the log is away;
 * calling again is always safe.
 */
export interface EventLog {
  readonly kind: 'memory' | 'hub' | 'redis';
  readonly connected: boolean;
  /**
   * Appends events whose positions count up from `first`. Resolves with the last position that the stream holds then: at least
   * that of the last event when they were taken, less when some are missing before `first` (send again from the next one on).
   * Known positions are passed over, so that sending twice is harmless. An empty stream and a newer generation begin at any `first`
   * (the newer one takes the place of the older, events and all). An older generation is refused with ConflictError, an event that
   * is larger than {@link MAX_EVENT_BYTES} with TooLargeError; nothing is stored then.
   * A carrier that lost a stream which this client knew answers 0 once: send everything again from the oldest event on. Wait for
   * each answer before the next append of a stream: if one failed, the next would otherwise begin an empty stream in the middle.
   */
  append(stream: StreamId, generation: string, first: number, payloads: readonly string[]): Promise<number>;
  bounds(stream: StreamId): Promise<LogBounds>;
  /**
   * Reads what comes after `places`, oldest first. Resolves as soon as any stream has events, with all that have, and with none
   * when the wait is over. A place whose next events are gone (retention) gets the oldest that are left: the reader sees the hole in the numbers.
   * A place of a newer generation than the stream's waits for that generation. A batch may be shorter than what there is to read:
   * answers are bounded in bytes.
   */
  read(places: readonly LogPlace[], options: ReadOptions): Promise<LogBatch[]>;
  /** Forgets events at and before `position`; later appends go on after the last position as before. */
  trim(stream: StreamId, position: number): Promise<void>;
  /** Ends what waits: its calls, and all that come later, reject with DependencyUnavailableError. */
  close(): Promise<void>;
}

/** Largest payload of one event, in bytes of UTF-8. */
export const MAX_EVENT_BYTES = 2 ** 20;

/** Greatest position of a stream: enough for a thousand events a second over 30 years. */
export const MAX_POSITION = 2 ** 40 - 1;

/**
 * Checks the arguments of an append, for every carrier alike. Throws InvalidOptionError for an empty generation, no payloads and
 * positions that are no integers from 1 to {@link MAX_POSITION}; TooLargeError for an event larger than {@link MAX_EVENT_BYTES}.
 */
export function checkAppend(generation: string, first: number, payloads: readonly string[]): void {
  if (generation === '') throw new InvalidOptionError('Expected a generation, was an empty string');
  if (payloads.length === 0) throw new InvalidOptionError('Expected events to append, was none');
  if (!Number.isInteger(first) || first < 1 || first + payloads.length - 1 > MAX_POSITION) {
    throw new InvalidOptionError(`Expected positions from 1 to ${MAX_POSITION}, was ${first}`);
  }
  for (const payload of payloads) {
    // Three bytes at most for each unit of UTF-16: short payloads need no count.
    if (payload.length * 3 > MAX_EVENT_BYTES && Buffer.byteLength(payload) > MAX_EVENT_BYTES) {
      throw new TooLargeError(`Expected an event of at most ${MAX_EVENT_BYTES} bytes`, MAX_EVENT_BYTES);
    }
  }
}
