// The tables of market history: one for each kind of record, declared as columns with their way from a record and back.
import { FLAGS } from '../../../src/market/flags.ts';
import type { BarUnit, MarketKind, MarketRecord, RecordOf } from '../../../src/market/records.ts';
import {
  big,
  type Column,
  double,
  int,
  type KindTable,
  numberOrNull,
  type Row,
  scaleOf,
  text,
} from './columns.ts';
import { REFERENCE_TABLES } from './reference-tables.ts';
import type { ColumnType } from './vectors.ts';

/** What all records of one series share; in the table `series`, by its number. */
export interface SeriesKey {
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly source: string;
  /** Decimals of prices and sizes; 0 where a kind has none. */
  readonly priceDecimals: number;
  readonly sizeDecimals: number;
  /** Bars only; else empty and 0. */
  readonly unit: string;
  readonly interval: number;
  readonly adjusted: string;
}

/** The columns of every record; before them in a table is `series`, and after them those of its kind. */
export const COMMON: readonly Column<MarketRecord>[] = [
  big('ts_event_us', (r) => r.tsEventUs),
  big('ts_receive_us', (r) => r.tsReceiveUs),
  text('ts_event_text', (r) => r.tsEventText ?? null),
  big('sequence', (r) => r.sequence),
  int('flags', (r) => r.flags),
];

/** Columns of every record that came later: last in a table, where ALTER TABLE puts them, and absent from partitions of an earlier layout. */
export const ADDED: readonly Column<MarketRecord>[] = [
  text('ts_receive_text', (r) => r.tsReceiveText ?? null),
];

/** Layout of the partitions that are written; those of 1 do not have the columns of `ADDED`. */
export const PARTITION_LAYOUT = 2;

const SIDES = { buy: 1, sell: -1 } as const;

// Most venues number their trades: a number takes an eighth of the time of a text to store.
const isNumber = (id: string) => /^(0|[1-9]\d{0,14})$/.test(id);

const trade: KindTable<RecordOf<'trade'>> = {
  name: 'trades',
  columns: [
    big('price', (r) => r.price),
    big('size', (r) => r.size),
    int('side', (r) => (r.side === null ? null : SIDES[r.side])),
    big('id_number', (r) => (r.id !== null && isNumber(r.id) ? Number(r.id) : null)),
    text('id_text', (r) => (r.id !== null && !isNumber(r.id) ? r.id : null)),
  ],
  rolled: true,
  record: (row, stamped) => {
    const number = numberOrNull(row, 'id_number');
    const side = numberOrNull(row, 'side');
    return {
      ...stamped,
      kind: 'trade',
      scale: scaleOf(row),
      price: row['price'] as number,
      size: row['size'] as number,
      side: side === null ? null : side > 0 ? 'buy' : 'sell',
      id: number === null ? (row['id_text'] as string | null) : String(number),
    };
  },
};

const quote: KindTable<RecordOf<'quote'>> = {
  name: 'quotes',
  columns: [
    big('bid', (r) => r.bid),
    big('bid_size', (r) => r.bidSize),
    big('ask', (r) => r.ask),
    big('ask_size', (r) => r.askSize),
  ],
  rolled: true,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'quote',
    scale: scaleOf(row),
    bid: row['bid'] as number,
    bidSize: row['bid_size'] as number,
    ask: row['ask'] as number,
    askSize: row['ask_size'] as number,
  }),
};

/** Columns of the levels of a book, changed ones or all. */
const LEVELS: readonly Column<Pick<RecordOf<'book_snapshot'>, 'bids' | 'asks' | 'checksum'>>[] = [
  text('bids', (r) => JSON.stringify(r.bids)),
  text('asks', (r) => JSON.stringify(r.asks)),
  big('checksum', (r) => r.checksum),
];

const levelsOf = (row: Row) => ({
  bids: JSON.parse(row['bids'] as string) as number[],
  asks: JSON.parse(row['asks'] as string) as number[],
  checksum: numberOrNull(row, 'checksum'),
});

const bookDelta: KindTable<RecordOf<'book_delta'>> = {
  name: 'book_deltas',
  columns: [
    big('first_sequence', (r) => r.firstSequence),
    big('previous_sequence', (r) => r.previousSequence),
    ...LEVELS,
  ],
  rolled: true,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'book_delta',
    scale: scaleOf(row),
    firstSequence: numberOrNull(row, 'first_sequence'),
    previousSequence: numberOrNull(row, 'previous_sequence'),
    ...levelsOf(row),
  }),
};

const bookSnapshot: KindTable<RecordOf<'book_snapshot'>> = {
  name: 'book_snapshots',
  columns: LEVELS,
  rolled: true,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'book_snapshot',
    scale: scaleOf(row),
    ...levelsOf(row),
  }),
};

const bar: KindTable<RecordOf<'bar'>> = {
  name: 'bars',
  columns: [
    double('open', (r) => r.open),
    double('high', (r) => r.high),
    double('low', (r) => r.low),
    double('close', (r) => r.close),
    double('volume', (r) => r.volume),
    big('trades', (r) => r.trades),
  ],
  // A bar of the same time replaces the older one; one in quarantine never replaces a good one.
  key: ['ts_event_us', 'quarantined'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'bar',
    unit: row['unit'] as BarUnit,
    interval: row['interval'] as number,
    open: row['open'] as number,
    high: row['high'] as number,
    low: row['low'] as number,
    close: row['close'] as number,
    volume: row['volume'] as number,
    trades: numberOrNull(row, 'trades'),
    adjusted: (row['adjusted'] === '' ? [] : String(row['adjusted']).split(',')) as ('split' | 'dividend')[],
  }),
};

const funding: KindTable<RecordOf<'funding'>> = {
  name: 'funding',
  columns: [
    double('rate', (r) => r.rate),
    big('interval_us', (r) => r.intervalUs),
    double('mark_price', (r) => r.markPrice),
  ],
  key: ['ts_event_us'],
  rolled: false,
  record: (row, stamped) => ({
    ...stamped,
    kind: 'funding',
    rate: row['rate'] as number,
    intervalUs: numberOrNull(row, 'interval_us'),
    markPrice: numberOrNull(row, 'mark_price'),
  }),
};

/** The table of each kind. */
export const TABLES: { readonly [K in MarketKind]: KindTable<RecordOf<K>> } = {
  trade,
  quote,
  book_delta: bookDelta,
  book_snapshot: bookSnapshot,
  bar,
  funding,
  ...REFERENCE_TABLES,
};

/** Returns the table of a kind whose type is not known where it is asked for. */
export function tableOf(kind: MarketKind): KindTable {
  return TABLES[kind] as unknown as KindTable;
}

/** The columns of a kind that records have values for, in the order of the table. */
export function recordColumns(kind: MarketKind): readonly Column<MarketRecord>[] {
  return [...COMMON, ...tableOf(kind).columns, ...ADDED];
}

/** Names and types of all columns of a table, in their order; `ordinal` is the order of arrival. */
export function columnsOf(kind: MarketKind): readonly { readonly name: string; readonly type: ColumnType }[] {
  return [
    { name: 'series', type: 'INTEGER' },
    ...COMMON,
    ...tableOf(kind).columns,
    { name: 'ordinal', type: 'BIGINT' },
    ...ADDED,
  ];
}

/** Returns where `ordinal` is among the columns of a table. */
export function ordinalAt(kind: MarketKind): number {
  return 1 + COMMON.length + tableOf(kind).columns.length;
}

/** Columns that say which series a row is of, where its number means nothing: views and Parquet files. */
export const SERIES_COLUMNS = [
  ['symbol', 'VARCHAR'],
  ['source', 'VARCHAR'],
  ['price_decimals', 'INTEGER'],
  ['size_decimals', 'INTEGER'],
  ['unit', 'VARCHAR'],
  ['interval', 'DOUBLE'],
  ['adjusted', 'VARCHAR'],
] as const satisfies readonly (readonly [string, ColumnType])[];

/** Bits of the flags that keep a record from the main view. */
export const QUARANTINE_BITS = Object.values(FLAGS).reduce(
  (bits, flag) => (flag.quarantine ? bits | flag.bit : bits),
  0,
);

/** SQL of whether a row is in quarantine. */
export const QUARANTINED_SQL = `(flags & ${QUARANTINE_BITS}) <> 0`;

/** Returns what the series of a record is. */
export function seriesOf(record: MarketRecord): SeriesKey {
  const scale = 'scale' in record ? record.scale : { price: 0, size: 0 };
  const isBar = record.kind === 'bar';
  return {
    kind: record.kind,
    symbol: record.symbol,
    source: record.source,
    priceDecimals: scale.price,
    sizeDecimals: scale.size,
    unit: isBar ? record.unit : '',
    interval: isBar ? record.interval : 0,
    adjusted: isBar ? [...record.adjusted].sort().join(',') : '',
  };
}

/** SQL that makes what is absent. */
export function schemaSql(): string {
  const tables = (Object.keys(TABLES) as MarketKind[]).map((kind) => {
    const columns = columnsOf(kind).map(({ name, type }) => `${name} ${type}`);
    return `CREATE TABLE IF NOT EXISTS ${TABLES[kind].name} (${columns.join(', ')});`;
  });
  return `
CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, kind VARCHAR NOT NULL, symbol VARCHAR NOT NULL, source VARCHAR NOT NULL,
  price_decimals INTEGER NOT NULL, size_decimals INTEGER NOT NULL, unit VARCHAR NOT NULL, interval DOUBLE NOT NULL, adjusted VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS quarantine (kind VARCHAR, symbol VARCHAR, source VARCHAR, ts_event_us BIGINT, ts_receive_us BIGINT,
  flags INTEGER, reasons VARCHAR NOT NULL, content VARCHAR);
CREATE TABLE IF NOT EXISTS imports (id VARCHAR PRIMARY KEY, records BIGINT NOT NULL, finished BOOLEAN NOT NULL);
CREATE TABLE IF NOT EXISTS import_quality (import VARCHAR NOT NULL, file VARCHAR NOT NULL, imported_us BIGINT NOT NULL, symbol VARCHAR NOT NULL, said VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS partitions (id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, symbol VARCHAR NOT NULL, source VARCHAR NOT NULL, period VARCHAR NOT NULL,
  path VARCHAR NOT NULL, rows BIGINT NOT NULL, bytes BIGINT NOT NULL, sha256 VARCHAR NOT NULL, first_ts_us BIGINT NOT NULL,
  last_ts_us BIGINT NOT NULL, last_ordinal BIGINT NOT NULL, last_id BIGINT, layout INTEGER);
${tables.join('\n')}`;
}
