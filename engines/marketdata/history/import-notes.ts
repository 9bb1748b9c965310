// How far the import of a file is, and what it found wrong with each series: stored in the transaction of its records, so that it outlives the process.
import type { FlagName } from '../../../src/market/flags.ts';
import type { QualityReason } from '../../../src/market/quality/score.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import type { HistoryDatabase } from './database.ts';

/** What an import says of one series. */
export interface ImportedSeries {
  readonly kind: MarketKind;
  readonly symbol: string;
  readonly source: string;
  readonly interval_us: number | null;
  readonly calendar: string | null;
  /** `imported` and `rejected` together. */
  readonly records: number;
  readonly imported: number;
  /** Records with a flag of quarantine. */
  readonly rejected: number;
  /** Records with any flag. */
  readonly flagged: number;
  readonly flags: Readonly<Partial<Record<FlagName, number>>>;
  /** From 0 to 1, as the page of quality defines it. */
  readonly score: number | null;
  readonly coverage: number;
  readonly missing: number;
  readonly reasons: QualityReason[];
  /** Of records whose time is readable. */
  readonly first_ts_us: number | null;
  readonly last_ts_us: number | null;
  /** The least of time of receipt less time of the venue; null where the file has no times of receipt, absent in notes of before. */
  readonly shortest_way_us?: number | null | undefined;
}

/** The same, as it is found again by its symbol. */
export interface ImportedQuality extends ImportedSeries {
  /** Name of the file. */
  readonly file: string;
  readonly imported_ts_us: number;
}

/** How far the import of a file is; stored with the records that it is about. */
export interface ImportNote {
  /** Digest of the file and of what is known of it. */
  readonly id: string;
  /** Records from its start that are stored. */
  readonly records: number;
  readonly finished: boolean;
  /** With the last records: takes the place of what an earlier import of the same file said. */
  readonly quality?: {
    readonly file: string;
    readonly importedUs: number;
    readonly series: readonly ImportedSeries[];
  };
}

/** What imports said of a symbol is kept and told of so many of its series, the newest ones. */
export const IMPORTED_SERIES = 100;

/** Stores a note within the transaction of the writer. */
export async function storeNote(
  { writer }: HistoryDatabase,
  { id, records, finished, quality }: ImportNote,
): Promise<void> {
  await writer.run('INSERT OR REPLACE INTO imports VALUES ($1, $2::BIGINT, $3)', [id, records, finished]);
  if (!quality) return;
  await writer.run('DELETE FROM import_quality WHERE import = $1', [id]);
  const appender = await writer.createAppender('import_quality');
  try {
    for (const series of quality.series) {
      appender.appendVarchar(id);
      appender.appendVarchar(quality.file);
      appender.appendBigInt(BigInt(quality.importedUs));
      appender.appendVarchar(series.symbol);
      appender.appendVarchar(JSON.stringify(series));
      appender.endRow();
    }
  } finally {
    appender.closeSync();
  }
  await writer.run(
    `DELETE FROM import_quality WHERE rowid IN (SELECT rowid FROM import_quality WHERE symbol IN (SELECT symbol FROM import_quality WHERE import = $1)
       QUALIFY row_number() OVER (PARTITION BY symbol ${NEWEST_FIRST}) > ${IMPORTED_SERIES})`,
    [id],
  );
}

const NEWEST_FIRST = 'ORDER BY imported_us DESC, said';

/** Returns how far the import of a file came; undefined for one that never began. */
export async function readNote(database: HistoryDatabase, id: string): Promise<ImportNote | undefined> {
  const rows = await database.rows(
    'SELECT id, records::DOUBLE AS records, finished FROM imports WHERE id = $1',
    [id],
  );
  return rows[0] as ImportNote | undefined;
}

/** Returns what imports said of the newest series of a symbol, the newest first. */
export async function readImportedQuality(
  database: HistoryDatabase,
  symbol: string,
): Promise<ImportedQuality[]> {
  const rows = await database.rows(
    `SELECT file, imported_us::DOUBLE AS imported_ts_us, said FROM import_quality WHERE symbol = $1
       ${NEWEST_FIRST} LIMIT ${IMPORTED_SERIES}`,
    [symbol],
  );
  return rows.map(({ said, ...of }) => ({ ...JSON.parse(said as string), ...of })) as ImportedQuality[];
}
