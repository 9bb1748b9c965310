// The durable log as everything else sees it: ordered streams that keep what was appended; the hub, Redis and memory carry it.

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

/** Where a stream begins and ends; both 0 and generation '' when it holds nothing. */
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
   * (the newer one takes the place of the older). An older generation is refused with ConflictError.
   */
  append(stream: StreamId, generation: string, first: number, payloads: readonly string[]): Promise<number>;
  bounds(stream: StreamId): Promise<LogBounds>;
  /**
   * Reads what comes after `places`, oldest first. Resolves as soon as any stream has events, with all that have, and with none
   * when the wait is over. A place whose next events are gone (retention) gets the oldest that are left: the reader sees the hole in the numbers.
   */
  read(places: readonly LogPlace[], options: ReadOptions): Promise<LogBatch[]>;
  /** Forgets events at and before `position`. */
  trim(stream: StreamId, position: number): Promise<void>;
  close(): Promise<void>;
}
