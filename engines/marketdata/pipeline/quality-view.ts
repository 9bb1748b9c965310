// The quality of a symbol as people see it: what came live, what was imported, and both as one.
import type { FlagName } from '../../../src/market/flags.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import type { ImportedQuality } from '../history/import-notes.ts';
import type { SeriesQuality } from './quality-desk.ts';
import type { QuarantineRow } from './schemas.ts';

type Part = Pick<
  SeriesQuality,
  'source' | 'kind' | 'records' | 'flagged' | 'quarantined' | 'flags' | 'score' | 'coverage' | 'missing'
>;

/** Live and imported records of one source and kind together. */
export interface CombinedQuality {
  readonly source: string;
  readonly kind: MarketKind;
  readonly records: number;
  readonly flagged: number;
  readonly quarantined: number;
  readonly flags: Readonly<Partial<Record<FlagName, number>>>;
  readonly missing: number;
  /** Means of the parts, each weighing as many as it has records. */
  readonly coverage: number;
  readonly score: number | null;
}

/** Returns live and imported series together, by source and kind: counts are added, scores and coverages are means weighted by records. */
export function combined(
  live: readonly SeriesQuality[],
  imported: readonly ImportedQuality[],
): CombinedQuality[] {
  const parts = new Map<string, Part[]>();
  const all = [...live, ...imported.map((one) => ({ ...one, quarantined: one.rejected }))];
  for (const part of all) {
    const key = `${part.source} ${part.kind}`;
    const others = parts.get(key);
    if (others) others.push(part);
    else parts.set(key, [part]);
  }
  return [...parts.values()].map(together);
}

function together(parts: readonly Part[]): CombinedQuality {
  const { source, kind } = parts[0]!;
  const flags: Partial<Record<FlagName, number>> = {};
  for (const part of parts)
    for (const [name, n] of Object.entries(part.flags) as [FlagName, number][])
      flags[name] = (flags[name] ?? 0) + n;
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0);
  const records = sum((part) => part.records);
  return {
    source,
    kind,
    records,
    flagged: sum((part) => part.flagged),
    quarantined: sum((part) => part.quarantined),
    flags,
    missing: sum((part) => part.missing),
    coverage: mean(parts, (part) => part.coverage) ?? 0,
    score: mean(parts, (part) => part.score),
  };
}

// Null where no record was judged.
function mean(parts: readonly Part[], of: (part: Part) => number | null): number | null {
  let [sum, records] = [0, 0];
  for (const part of parts) {
    const value = of(part);
    if (value === null) continue;
    sum += value * part.records;
    records += part.records;
  }
  return records === 0 ? null : sum / records;
}

/** Returns the reply of a symbol; `garbageOf` counts the messages of a source that were no records. */
export function qualityReply(
  {
    symbol,
    series,
    imports,
    quarantine,
  }: {
    readonly symbol: string;
    readonly series: readonly SeriesQuality[];
    readonly imports: readonly ImportedQuality[];
    readonly quarantine: readonly QuarantineRow[];
  },
  garbageOf: (source: string) => number,
) {
  return {
    symbol,
    combined: combined(series, imports).map((one) => ({ ...one, flags: { ...one.flags } })),
    series: series.map((one) => ({
      ...one,
      flags: { ...one.flags },
      reasons: [...one.reasons],
      examples: [...one.examples],
      garbage: garbageOf(one.source),
    })),
    imports: imports.map((one) => ({ ...one, flags: { ...one.flags }, reasons: [...one.reasons] })),
    quarantine: [...quarantine],
  };
}
