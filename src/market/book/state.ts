// What an order book says of itself: its state, why it changed, and how often everything happened.
import type { Levels } from '../records.ts';
import type { Scale } from '../scale.ts';
import type { BookRule } from './rules.ts';

/**
 * `waiting`: no snapshot yet. `live`: every number in order, safe to use. `stale`: nothing was heard for longer than expected, although the
 * connection may live. `broken`: something is missing or wrong; nothing of it is served until it is proven right again.
 */
export type BookState = 'waiting' | 'live' | 'stale' | 'broken';

/** Why a state changed. */
export type BookReason =
  /** To `live`. */
  | 'snapshot'
  | 'reordered'
  | 'confirmed'
  | 'resumed'
  /** To `stale`. */
  | 'silent'
  /** To `broken`. */
  | 'ahead'
  | 'gap'
  | 'checksum'
  | 'crossed'
  | 'diverged'
  | 'malformed'
  | 'unproven'
  /** To `waiting`. */
  | 'reset';

export interface BookChange {
  readonly from: BookState;
  readonly to: BookState;
  readonly reason: BookReason;
  /** Receive time of the record that made it, or the time that the caller passed. */
  readonly tsUs: number;
}

/** How a book is kept. */
export interface BookOptions {
  readonly rule: BookRule;
  /** Microseconds without a word after which a live book is stale; default 30 s. */
  readonly staleUs?: number;
  /**
   * Levels of a side that the venue was asked for. Where it tells of no others (Kraken's depth) what falls below is forgotten, by default
   * below the least depth that holds the snapshot. Where only snapshots end there (Binance) a side with fewer is complete; by default
   * every one may go on below.
   */
  readonly levels?: number;
  /** Deltas that are kept for a snapshot; default 1,000. */
  readonly bufferLimit?: number;
  /** Deltas that may come before one that is missing until it counts as lost; default 0: streams keep their order, files may not. */
  readonly reorder?: number;
  /** Best quotes that must agree with a book rebuilt without a snapshot before it is live; default 3. */
  readonly confirmations?: number;
}

/** Levels of a book. `provenBids` and `provenAsks` are how many of them are certain: below them the snapshot said nothing. */
export interface BookView {
  readonly scale: Scale;
  readonly bids: Levels;
  readonly asks: Levels;
  readonly provenBids: number;
  readonly provenAsks: number;
}

/** What became of a record. */
export interface BookOutcome {
  /**
   * `applied`: the book holds it. `kept`: it waits for a snapshot or for what is missing before it. `ignored`: the book holds it already, or
   * has no use for it. `refused`: wrong in itself.
   */
  readonly result: 'applied' | 'kept' | 'ignored' | 'refused';
  /** Bits of FLAGS: gap, duplicate, out_of_order, crossed, locked, malformed. */
  readonly flags: number;
  readonly change: BookChange | null;
  /** A new snapshot is needed from now on: the moment to ask for one. */
  readonly resync: boolean;
}

/** How often things happened since the book was made. */
export interface BookCounters {
  /** Snapshots that were taken. */
  snapshots: number;
  /** Snapshots that were not: older than what is there, without a number, or of numbers that are not whole. */
  refused_snapshots: number;
  /** Deltas that changed the book. */
  deltas: number;
  /** Deltas kept for a snapshot or for what is missing before them. */
  kept: number;
  /** Deltas that the snapshot held already. */
  covered: number;
  /** Kept deltas that were dropped because too many waited. */
  overflow: number;
  /** Times that a new snapshot was needed because the book broke. */
  resyncs: number;
  /** Times that a new snapshot was wished for because prices came near the end of what the last one told. */
  refreshes: number;
  gap: number;
  duplicate: number;
  out_of_order: number;
  checksum: number;
  crossed: number;
  locked: number;
  /** Times that the venue's own best quote contradicted the book. */
  diverged: number;
  malformed: number;
  /** Times that nothing was heard for too long. */
  silent: number;
  /** Best quotes that belonged to the same update as the book and agreed with it. */
  agreed: number;
  /** Best quotes dropped because the deltas that they belong to did not come. */
  unmatched: number;
}

/** Returns counters that are all 0. */
export function bookCounters(): BookCounters {
  return {
    snapshots: 0,
    refused_snapshots: 0,
    deltas: 0,
    kept: 0,
    covered: 0,
    overflow: 0,
    resyncs: 0,
    refreshes: 0,
    gap: 0,
    duplicate: 0,
    out_of_order: 0,
    checksum: 0,
    crossed: 0,
    locked: 0,
    diverged: 0,
    malformed: 0,
    silent: 0,
    agreed: 0,
    unmatched: 0,
  };
}

/** Best bid and ask of a book, as integers of its scale; a side that is empty has price and size 0. */
export interface BookTop {
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}
