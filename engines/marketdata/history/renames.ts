// Which symbols an instrument had, by the renames that are stored: what others had under one of them before is not read as its own.

import type { HistoryDatabase } from './database.ts';
import { QUARANTINED_SQL } from './tables.ts';
import { FIRST_US, LAST_US, type NamedRange } from './view.ts';

/** A symbol that became another. */
export interface Rename {
  readonly from: string;
  readonly to: string;
  readonly atUs: number;
}

/** Returns the renames that are stored, oldest first; those that several sources tell, or one source twice, once. */
export async function storedRenames(database: HistoryDatabase): Promise<Rename[]> {
  const rows = await database.rows(
    `SELECT s.symbol AS "from", t.renamed_to AS "to", t.ts_event_us::DOUBLE AS "atUs" FROM corporate_actions t JOIN series s ON s.id = t.series
      WHERE t.action = 'rename' AND t.renamed_to IS NOT NULL AND t.renamed_to <> s.symbol AND NOT (${QUARANTINED_SQL}) ORDER BY t.ts_event_us, t.ordinal`,
  );
  const last = new Map<string, Rename>();
  return (rows as unknown as Rename[]).filter((rename) => {
    const known = last.get(rename.from);
    if (known?.from === rename.from && known.to === rename.to) return false;
    last.set(rename.from, rename);
    last.set(rename.to, rename);
    return true;
  });
}

/**
 * Returns the symbols of the instrument that had `symbol` at a time, each with the time that it had it, oldest first. Where nothing is stored under the
 * symbol before a rename (`has`), its source tells all under the new one, which is read back to when another instrument had it.
 */
export function namedRanges(
  renames: readonly Rename[],
  symbol: string,
  atUs: number,
  has: (symbol: string) => boolean,
): NamedRange[] {
  const endOf = (name: string, us: number) =>
    (renames.find((r) => r.from === name && r.atUs > us)?.atUs ?? LAST_US + 1) - 1;
  const ranges: NamedRange[] = [];
  let [name, us, toUs] = [symbol, atUs, endOf(symbol, atUs)];
  for (;;) {
    const last = renames.findLast((r) => r.atUs <= us && (r.from === name || r.to === name));
    if (last?.to === name && has(last.from)) {
      ranges.unshift({ symbol: name, fromUs: last.atUs, toUs });
      [name, us, toUs] = [last.from, last.atUs - 1, last.atUs - 1];
      continue;
    }
    const others = renames.findLast((r) => r.atUs <= us && r.from === name);
    ranges.unshift({ symbol: name, fromUs: others?.atUs ?? FIRST_US, toUs });
    break;
  }
  for (let end = ranges.at(-1)!; end.toUs < LAST_US; end = ranges.at(-1)!) {
    const { to, atUs: fromUs } = renames.find((r) => r.from === end.symbol && r.atUs === end.toUs + 1)!;
    ranges.push({ symbol: to, fromUs, toUs: endOf(to, fromUs) });
  }
  return ranges;
}
