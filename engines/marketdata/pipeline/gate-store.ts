// What the gates of live series remember, as it is stored, so that a restart does not begin them anew.
import type { Database } from '../../../src/store/database.ts';
import type { SavedSeries } from './quality-desk.ts';

type Key = Pick<SavedSeries, 'source' | 'symbol' | 'kind'>;

/** Reads and writes the memory of gates. */
export class GateStore {
  constructor(readonly database: Database) {}

  async all(): Promise<SavedSeries[]> {
    const rows = await this.database.all<{ saved: string }>(
      'SELECT saved FROM market_gates ORDER BY source, symbol, kind',
    );
    return rows.map(({ saved }) => JSON.parse(saved) as SavedSeries);
  }

  async put(series: readonly SavedSeries[], nowUs: number): Promise<void> {
    if (series.length === 0) return;
    const texts = series.map((one) => JSON.stringify(one));
    await this.database.transaction((tx) => {
      for (const [i, { source, symbol, kind }] of series.entries())
        tx.write(
          `INSERT INTO market_gates (source, symbol, kind, saved, updated_us) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (source, symbol, kind) DO UPDATE SET saved = excluded.saved, updated_us = excluded.updated_us`,
          source,
          symbol,
          kind,
          texts[i]!,
          nowUs,
        );
    });
  }

  async remove(series: readonly Key[]): Promise<void> {
    if (series.length === 0) return;
    await this.database.transaction((tx) => {
      for (const { source, symbol, kind } of series)
        tx.write(
          'DELETE FROM market_gates WHERE source = ? AND symbol = ? AND kind = ?',
          source,
          symbol,
          kind,
        );
    });
  }
}
