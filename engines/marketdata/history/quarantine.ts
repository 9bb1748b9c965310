// The table of the quarantine: what was kept from the main view, with its reasons.
import type { HistoryDatabase } from './database.ts';

/** A row of the quarantine. */
export interface Quarantined {
  readonly kind: string | null;
  readonly symbol: string | null;
  readonly source: string;
  readonly ts_event_us: number | null;
  readonly ts_receive_us: number;
  readonly flags: number;
  readonly reasons: readonly string[];
  readonly content: string | null;
}

/** Returns the newest rows of the quarantine. */
export async function readQuarantine(
  database: HistoryDatabase,
  where: { readonly symbol?: string | undefined; readonly source?: string | undefined },
  limit: number,
): Promise<Quarantined[]> {
  const given = (['symbol', 'source'] as const).filter((name) => where[name] !== undefined);
  const conditions = given.map((name, i) => `${name} = $${i + 1}`);
  const rows = await database.rows(
    `SELECT kind, symbol, source, ts_event_us::DOUBLE AS ts_event_us, ts_receive_us::DOUBLE AS ts_receive_us, flags, reasons, content
       FROM quarantine${conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`} ORDER BY ts_receive_us DESC LIMIT ${Math.floor(limit)}`,
    given.map((name) => where[name]!),
  );
  return rows.map((row) => ({
    ...row,
    reasons: (row['reasons'] as string).split(','),
  })) as unknown as Quarantined[];
}
