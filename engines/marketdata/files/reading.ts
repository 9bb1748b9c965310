// What every reader of a file yields: records with their places, and what was no record.
import type { FlagName } from '../../../src/market/flags.ts';
import type { MarketRecord } from '../../../src/market/records.ts';

/** A row or line that is no record. */
export interface Refused {
  /** Line of the file, or row of the table, from 1. */
  readonly line: number;
  readonly reason: string;
}

/** A part of a file. */
export interface FileBatch {
  readonly records: readonly MarketRecord[];
  /** Line of each record. */
  readonly lines: readonly number[];
  readonly refused: readonly Refused[];
  /** Rows of other symbols than the one that was asked for. */
  readonly skipped: number;
  /** Flags that its records cannot earn: the file does not tell what they judge. */
  readonly without?: readonly FlagName[];
}
