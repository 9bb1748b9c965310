// The bodies of the market topics beside bars: several records of one source and symbol in one body, prices as decimal text.
import { z } from 'zod';

/** Most records in one body; more become several bodies. */
export const MAX_RECORDS_PER_BODY = 256;

const id = z.string().min(1).max(128);
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'a decimal number as text');
const nullableNumber = z.number().nullable();
const nullableInt = z.int().nullable();
const nullableText = z.string().nullable();
const us = z.int().nonnegative();

/** What every body has; the `ts_event_us` of its envelope is that of its newest record. */
const said = {
  symbol: id,
  /** Id of the source (`kraken`), or `replay`. */
  source: id,
};

/**
 * What every record has: time of the venue (before 1970 for old series), time at which it came here, number of the venue's stream,
 * names of quality flags.
 */
const stamp = {
  ts_event_us: z.int(),
  ts_receive_us: us,
  sequence: nullableInt,
  flags: z.array(z.string()),
};

export const marketTrades = z.object({
  ...said,
  trades: z.array(
    z.object({
      ...stamp,
      price: decimal,
      size: decimal,
      /** Side of who took liquidity; null when the venue does not say. */
      side: z.enum(['buy', 'sell']).nullable(),
      id: nullableText,
    }),
  ),
});

export const marketQuotes = z.object({
  ...said,
  quotes: z.array(
    z.object({
      ...stamp,
      /** Null, like its size, when the side is empty. */
      bid: decimal.nullable(),
      bid_size: decimal.nullable(),
      ask: decimal.nullable(),
      ask_size: decimal.nullable(),
    }),
  ),
});

/** Price and size by turns, best first: `["100.5", "2", "100.4", "1"]`. */
const levels = z.array(decimal);

export const marketBooks = z.object({
  ...said,
  /** Levels are good only while it is `live`. */
  state: z.enum(['waiting', 'live', 'stale', 'broken']),
  /** Why it is in this state; null while live. */
  reason: nullableText,
  /** Number of this body since the engine was started. A jump means that the book holds changes that the bodies before did not tell: lost on the way, or left out with a new beginning. */
  number: z.int().positive(),
  ts_event_us: us,
  ts_receive_us: us,
  sequence: nullableInt,
  /** The best levels of the book after the deltas. */
  bids: levels,
  asks: levels,
  /** What changed since the body before; a size of 0 takes a level away. */
  deltas: z.array(z.object({ ...stamp, first_sequence: nullableInt, bids: levels, asks: levels })),
});

/** Bars that end by something else than time; those of time are `market.live_data`. */
export const marketBars = z.object({
  ...said,
  unit: z.enum(['tick', 'volume', 'dollar', 'imbalance']),
  /** Threshold: trades, base units, quote units, signed trades. */
  interval: z.number().positive(),
  bars: z.array(
    z.object({
      ...stamp,
      open: z.number(),
      high: z.number(),
      low: z.number(),
      close: z.number(),
      volume: z.number(),
      trades: nullableInt,
    }),
  ),
});

export const marketReference = z.object({
  ...said,
  instruments: z.array(
    z.object({
      ...stamp,
      native_symbol: z.string(),
      venue: z.string(),
      asset_class: z.string(),
      base: nullableText,
      quote: nullableText,
      tick_size: decimal.nullable(),
      lot_size: decimal.nullable(),
      status: z.enum(['trading', 'halted', 'delisted', 'unknown']),
    }),
  ),
  actions: z.array(
    z.object({
      ...stamp,
      action: z.enum(['split', 'dividend', 'rename']),
      ratio: nullableNumber,
      amount: nullableNumber,
      renamed_to: nullableText,
    }),
  ),
});

export const marketFunding = z.object({
  ...said,
  funding: z.array(
    z.object({
      ...stamp,
      /** Rate for one funding interval as a fraction. */
      rate: z.number(),
      interval_us: nullableInt,
      mark_price: nullableNumber,
    }),
  ),
});

export const marketMacro = z.object({
  ...said,
  points: z.array(
    z.object({
      ...stamp,
      /** Null: the source has no value for the date. */
      value: nullableNumber,
      /** Since when the value was known. */
      as_of_us: z.int(),
    }),
  ),
});

export const marketFundamentals = z.object({
  ...said,
  facts: z.array(
    z.object({
      ...stamp,
      concept: z.string(),
      unit: z.string(),
      value: z.number(),
      period_start_us: nullableInt,
      period_end_us: z.int(),
      /** When it was filed. */
      as_of_us: z.int(),
      form: z.string(),
      accession: z.string(),
    }),
  ),
});

/** Something changed about a source, one of its books, or the choice between sources. */
export const marketSource = z.object({
  source: id,
  /**
   * `health`: of the source; `book`: state of a book; `routing`: another source is published; `divergence`: two sources disagree;
   * `latency`, `clock`: beyond its bound, or within again; `quality`: records were put into quarantine; `dropped`: records were lost here.
   */
  event: z.enum([
    'health',
    'book',
    'routing',
    'divergence',
    'latency',
    'clock',
    'quality',
    'dropped',
    'refused',
  ]),
  /** Null when the whole source is meant. */
  symbol: id.nullable(),
  kind: nullableText,
  /** What it is now, and what it was before (null: nothing). */
  state: z.string(),
  previous: nullableText,
  reason: nullableText,
  /** Basis points of `divergence`, milliseconds of `latency` and `clock`, records of `quality` and `dropped`; else null. */
  value: nullableNumber,
  threshold: nullableNumber,
});
