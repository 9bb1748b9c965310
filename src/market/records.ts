// What markets say, in one form whatever the source: trades, quotes, order books, bars, reference and macro data.
import type { Scale } from './scale.ts';

/** What every record has. Times are integer microseconds since the epoch. */
interface Stamped {
  /** The instrument as this system calls it: `BTC-USD`, `AAPL`. */
  readonly symbol: string;
  /** Id of the source that said it: `kraken`, `binance-usdm`, `file`. */
  readonly source: string;
  /** Time of the venue. */
  readonly tsEventUs: number;
  /** Time at which it was received here; that of the venue for history that says nothing else. */
  readonly tsReceiveUs: number;
  /** Time of the venue as it was written, where that is finer than microseconds. */
  readonly tsEventText?: string | undefined;
  /** Time of receipt as it was written, where that is finer than microseconds. */
  readonly tsReceiveText?: string | undefined;
  /** Number that the venue gave it within its stream; null without, or beyond 2^53. */
  readonly sequence: number | null;
  /** Bits of FLAGS. */
  readonly flags: number;
}

/** What has prices: integers of the decimals in `scale`. */
interface Priced extends Stamped {
  readonly scale: Scale;
}

export interface Trade extends Priced {
  readonly kind: 'trade';
  readonly price: number;
  readonly size: number;
  /** Side of who took liquidity; null when the venue does not say. */
  readonly side: 'buy' | 'sell' | null;
  /** Id that the venue gave it. */
  readonly id: string | null;
}

/** Best bid and ask; a side that is empty has price and size 0. */
export interface Quote extends Priced {
  readonly kind: 'quote';
  readonly bid: number;
  readonly bidSize: number;
  readonly ask: number;
  readonly askSize: number;
}

/** Price and size by turns: `[price, size, price, size]`. In a delta, a size of 0 takes a level away. */
export type Levels = readonly number[];

export interface BookDelta extends Priced {
  readonly kind: 'book_delta';
  /** First number of the venue's updates in it (`U` of Binance); null where the venue counts messages only. */
  readonly firstSequence: number | null;
  /** Last number of the message before (`pu` of Binance futures); null where the venue does not say. */
  readonly previousSequence: number | null;
  readonly bids: Levels;
  readonly asks: Levels;
  /** Checksum over the book after it (CRC32 of Kraken); null without. */
  readonly checksum: number | null;
}

/** A whole book, best levels first. */
export interface BookSnapshot extends Priced {
  readonly kind: 'book_snapshot';
  readonly bids: Levels;
  readonly asks: Levels;
  readonly checksum: number | null;
}

/** How a bar ends: after a time, a number of trades, a volume, a notional, or an imbalance. */
export type BarUnit = 'time' | 'tick' | 'volume' | 'dollar' | 'imbalance';

/** OHLCV in float64: what is computed with. `tsEventUs` is the bar's own time as its source labels it, in most cases its start. */
export interface BarRecord extends Stamped {
  readonly kind: 'bar';
  readonly unit: BarUnit;
  /** Length in microseconds for `time`; else the threshold in trades, base units, quote units, signed trades. */
  readonly interval: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Trades in it; null when unknown. */
  readonly trades: number | null;
  /** Names of adjustments that its source has already applied: `split`, `dividend`. */
  readonly adjusted: readonly ('split' | 'dividend')[];
}

export interface Funding extends Stamped {
  readonly kind: 'funding';
  /** Rate for one funding interval as a fraction. */
  readonly rate: number;
  readonly intervalUs: number | null;
  readonly markPrice: number | null;
}

/** A point of an economic series; `symbol` is the id of the series (`DGS10`). */
export interface MacroPoint extends Stamped {
  readonly kind: 'macro';
  /** null: the source has no value for the date. */
  readonly value: number | null;
  /** Since when this value was known (its vintage). */
  readonly asOfUs: number;
}

/** One reported figure of a company, as of the day it was filed. */
export interface Fundamental extends Stamped {
  readonly kind: 'fundamental';
  /** Name in its taxonomy: `us-gaap/Revenues`. */
  readonly concept: string;
  readonly unit: string;
  readonly value: number;
  /** First and last day of the period, start null for a balance at a moment. */
  readonly periodStartUs: number | null;
  readonly periodEndUs: number;
  /** When it was filed: what a decision before that time could not know. */
  readonly asOfUs: number;
  readonly form: string;
  readonly accession: string;
}

export interface CorporateAction extends Stamped {
  readonly kind: 'corporate_action';
  readonly action: 'split' | 'dividend' | 'rename';
  /** New shares for one old share; null unless a split. */
  readonly ratio: number | null;
  /** Cash for one share, in the currency of the instrument; null unless a dividend. */
  readonly amount: number | null;
  /** Symbol from `tsEventUs` on; null unless a rename. */
  readonly renamedTo: string | null;
}

/** An instrument as its venue describes it. */
export interface InstrumentRecord extends Stamped {
  readonly kind: 'instrument';
  /** Name at the venue: `XBT/USD`. */
  readonly nativeSymbol: string;
  readonly venue: string;
  readonly assetClass:
    | 'spot'
    | 'perpetual'
    | 'future'
    | 'option'
    | 'equity'
    | 'etf'
    | 'index'
    | 'fx'
    | 'macro'
    | 'other';
  readonly base: string | null;
  readonly quote: string | null;
  readonly scale: Scale;
  /** Smallest steps as decimal text; null when the venue does not say. */
  readonly tickSize: string | null;
  readonly lotSize: string | null;
  readonly status: 'trading' | 'halted' | 'delisted' | 'unknown';
}

/** Anything that a source says. */
export type MarketRecord =
  | Trade
  | Quote
  | BookDelta
  | BookSnapshot
  | BarRecord
  | Funding
  | MacroPoint
  | Fundamental
  | CorporateAction
  | InstrumentRecord;

export type MarketKind = MarketRecord['kind'];
export type RecordOf<K extends MarketKind> = Extract<MarketRecord, { readonly kind: K }>;

export const MARKET_KINDS = [
  'trade',
  'quote',
  'book_delta',
  'book_snapshot',
  'bar',
  'funding',
  'macro',
  'fundamental',
  'corporate_action',
  'instrument',
] as const satisfies readonly MarketKind[];
