// What a replay reads: records of the past in the order in which they are told again.
import type { MarketRecord } from '../../../src/market/records.ts';

/** Lines or rows that were no records. */
export interface Unreadable {
  readonly rejected: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Why the reading ended before the end; null when it did not. */
  readonly damaged: string | null;
}

/** Records of the past; can be read as often as a seek asks for it. */
export interface ReplaySource {
  /**
   * Yields records in the order of {@link timeOf}. Those before `fromUs` (all from the start when null) come only as far as order books need
   * them to be right from there on.
   */
  read(fromUs: number | null, signal: AbortSignal): AsyncIterable<readonly MarketRecord[]>;
  /** Whether its records have passed the quality gate before. */
  readonly judged: boolean;
  /** The time by which a record has its turn. */
  timeOf(record: MarketRecord): number;
  /** What could not be read in the last pass. */
  unreadable(): Unreadable;
}
