// How long a durable log keeps the events of a topic.

/** Events beyond either bound are forgotten, oldest first. */
export interface Retention {
  /** Events of one stream. */
  readonly maxEvents: number;
  readonly maxAgeMs: number;
}

/** The rule of each topic. */
export type RetentionOf = (topic: string) => Retention;

/** What holds for a topic that says nothing: seven days and a million events for each stream. */
export const DEFAULT_RETENTION: Retention = { maxEvents: 1_000_000, maxAgeMs: 7 * 86_400_000 };

/** For topics whose events are never forgotten. */
export const FOREVER: Retention = {
  maxEvents: Number.POSITIVE_INFINITY,
  maxAgeMs: Number.POSITIVE_INFINITY,
};
