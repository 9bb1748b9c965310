// Which column of a file is what: by the names that sources give them, or by their order in files without a header.

import { csvNumber } from '../../../src/core/csv.ts';
import { MalformedBodyError } from '../../../src/core/errors.ts';
import type { TimeReader } from './times.ts';

/** Kinds of records that tables hold. */
export const TABLE_KINDS = ['bar', 'trade', 'quote'] as const;
export type TableKind = (typeof TABLE_KINDS)[number];

const ALIASES = {
  time: [
    'timestamp',
    'ts_us',
    'ts',
    'time',
    'date',
    'datetime',
    'open_time',
    'ts_event',
    'ts_event_us',
    'event_time',
    'transact_time',
    'trade_time',
  ],
  receive: ['ts_receive_us', 'ts_receive', 'ts_recv', 'receive_time', 'received_at', 'local_timestamp'],
  /** The two times once more, as they were written: finer than microseconds. */
  timeText: ['ts_event_text'],
  receiveText: ['ts_receive_text'],
  /** The time of day, where `time` is but the date. */
  clock: [],
  symbol: ['symbol', 'ticker', 'instrument', 'pair'],
  sequence: ['sequence', 'seq', 'sequence_number', 'update_id'],
  open: ['open', 'o'],
  high: ['high', 'h'],
  low: ['low', 'l'],
  close: ['close', 'c'],
  volume: ['volume', 'vol', 'v'],
  trades: ['trades', 'trade_count', 'number_of_trades', 'count', 'n'],
  price: ['price', 'px', 'p', 'last_price', 'trade_price'],
  size: ['size', 'qty', 'quantity', 'amount', 'q', 'last_qty', 'trade_size', 'volume', 'vol', 'v'],
  side: ['side', 'taker_side', 'aggressor_side', 'aggressor'],
  maker: ['is_buyer_maker', 'isbuyermaker', 'buyer_maker', 'm'],
  id: ['id', 'trade_id', 'tradeid', 'agg_trade_id', 't'],
  bid: ['bid', 'bid_price', 'bid_px', 'best_bid', 'best_bid_price', 'bidprice', 'bid_px_00'],
  ask: ['ask', 'ask_price', 'ask_px', 'best_ask', 'best_ask_price', 'askprice', 'ask_px_00', 'offer'],
  bidSize: ['bid_size', 'bid_qty', 'bid_sz', 'best_bid_qty', 'bidsize', 'bidqty', 'bid_volume', 'bid_sz_00'],
  askSize: ['ask_size', 'ask_qty', 'ask_sz', 'best_ask_qty', 'asksize', 'askqty', 'ask_volume', 'ask_sz_00'],
} as const satisfies Record<string, readonly string[]>;

export type ColumnName = keyof typeof ALIASES;

const REQUIRED: Readonly<Record<TableKind, readonly ColumnName[]>> = {
  bar: ['time', 'open', 'high', 'low', 'close'],
  quote: ['time', 'bid', 'ask'],
  trade: ['time', 'price', 'size'],
};

// Orders of columns in files without a header: those of TrueFX and HistData (quotes), of LEAN and most others (bars), of exchanges (trades).
const BY_ORDER: Readonly<Record<TableKind, readonly (ColumnName | null)[]>> = {
  bar: ['time', 'open', 'high', 'low', 'close', 'volume'],
  quote: ['time', 'bid', 'ask', null],
  trade: ['time', 'price', 'size'],
};

export const MAX_COLUMNS = 1000;
/** What a bid and an ask of one moment differ by at most, where a file does not say what its columns are. */
const WIDEST_SPREAD = 0.02;

/** Where the columns of a file are. */
export interface Layout {
  readonly kind: TableKind;
  /** Whether the first record names the columns. */
  readonly header: boolean;
  /** Places of the columns; -1 for those that the file has not. */
  readonly at: Readonly<Record<ColumnName, number>>;
}

/**
 * Returns what the columns of a file are, by its first record: the names of its columns, or the first row of a file without them. `kind` is what
 * its caller says. Throws MalformedBodyError where that does not tell, naming what is missing.
 */
export function layoutOf(first: readonly string[], kind: TableKind | undefined, times: TimeReader): Layout {
  if (first.length > MAX_COLUMNS)
    throw new MalformedBodyError(`Expected at most ${MAX_COLUMNS} columns, were ${first.length}`);
  const places = placesOf(first);
  if (places.time < 0 && times.read(first[0] ?? '') !== null) return byOrder(first, kind);
  const found = kind ?? TABLE_KINDS.find((k) => missing(k, places).length === 0);
  if (found === undefined) {
    throw new MalformedBodyError(
      'Expected a header line with a time and open, high, low, close (bars), price, size (trades) or bid, ask (quotes)',
    );
  }
  const absent = missing(found, places);
  if (absent.length > 0) {
    const names = REQUIRED[found].join(', ');
    throw new MalformedBodyError(`Expected a header line with ${names}: ${absent.join(', ')} missing`);
  }
  return { kind: found, header: true, at: places };
}

const KNOWN: ReadonlySet<string> = new Set(Object.values(ALIASES).flat());

/** Whether a column of this name may belong to a record. */
export function knownColumn(name: string): boolean {
  return KNOWN.has(plain(name));
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

/** Returns the place of each column by its name, -1 for those that the header has not. */
export function placesOf(header: readonly string[]): Record<ColumnName, number> {
  const names = header.map(plain);
  const place = (aliases: readonly string[]) => names.findIndex((name) => aliases.includes(name));
  const places = Object.fromEntries(
    Object.entries(ALIASES).map(([name, aliases]) => [name, place(aliases)]),
  ) as Record<ColumnName, number>;
  const [date, clock] = [names.indexOf('date'), names.indexOf('time')];
  // Either of them alone would give all rows of a day, or of all days, one time; a column of whole moments before them would not.
  const isSplit = date >= 0 && clock >= 0 && (places.time === date || places.time === clock);
  return isSplit ? { ...places, time: date, clock } : places;
}

function missing(kind: TableKind, places: Record<ColumnName, number>): ColumnName[] {
  return REQUIRED[kind].filter((name) => places[name] < 0);
}

function byOrder(first: readonly string[], said: TableKind | undefined): Layout {
  const kind = said ?? guessed(first);
  const order = BY_ORDER[kind];
  const needed = REQUIRED[kind].length;
  if (first.length < needed)
    throw new MalformedBodyError(
      `Expected at least ${needed} columns for rows of kind ${kind}, were ${first.length}`,
    );
  const names = Object.keys(ALIASES) as ColumnName[];
  const place = (name: ColumnName) => {
    const at = order.indexOf(name);
    return at < first.length ? at : -1;
  };
  const at = Object.fromEntries(names.map((name) => [name, place(name)])) as Record<ColumnName, number>;
  return { kind, header: false, at };
}

function guessed(first: readonly string[]): TableKind {
  if (first.length === 5 || first.length === 6) return 'bar';
  const [bid, ask] = [csvNumber(first[1]), csvNumber(first[2])];
  const quotes = bid !== null && ask !== null && bid > 0 && Math.abs(ask - bid) <= WIDEST_SPREAD * bid;
  if (quotes && (first.length === 3 || first.length === 4)) return 'quote';
  throw new MalformedBodyError(
    `Expected a header line, or the kind of a file without one as a parameter: ${TABLE_KINDS.join(', ')}`,
  );
}
