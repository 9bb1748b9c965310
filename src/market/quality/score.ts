// The score of a series in [0, 1], and the reasons for which it is not 1.
import type { FlagName } from '../flags.ts';
import { CHECKS } from './checks/index.ts';

/** What a gate counts. */
export interface SeriesCounts {
  records: number;
  /** Records with any flag. */
  flagged: number;
  /** Records that are kept from the main view. */
  quarantined: number;
  /** Records that gaps say are missing. */
  missing: number;
  /** Records that came out of order: they close gaps that were counted before. */
  late: number;
  /** How often the venue began to count anew. */
  restarts: number;
  firstUs: number | null;
  lastUs: number | null;
  flags: Partial<Record<FlagName, number>>;
}

/** Something that the score was lost by: a flag, missing records (`coverage`), or a source that is silent. */
export interface QualityReason {
  readonly reason: FlagName | 'coverage';
  /** How many records. */
  readonly records: number;
  /** Of all records; of those that were expected for `coverage`. */
  readonly share: number;
  /** The score is lower by this factor: 0.1 takes a tenth of it. */
  readonly cost: number;
}

export interface QualityReport extends Readonly<Omit<SeriesCounts, 'flags'>> {
  /** Records by flag. */
  readonly flags: Partial<Record<FlagName, number>>;
  /** Share of the expected records that are there. */
  readonly coverage: number;
  /** 1 for a series without fault; null without records. */
  readonly score: number | null;
  /** Costliest first. */
  readonly reasons: readonly QualityReason[];
  /** For how long the source has been silent beyond its bound. */
  readonly silentUs: number;
  /** The source is silent although its market is open. */
  readonly stale: boolean;
}

const WEIGHTS = new Map(CHECKS.map(({ flag, weight }) => [flag, weight]));

/**
 * Returns the report of what was counted: `score = coverage * product over flags of (1 - min(1, weight * share))`, with the share of the
 * records that have the flag. `coverage = present / (present + missing)`, where `present` are records that are no duplicates and `missing`
 * those that gaps counted, less those that came late.
 */
export function scoreOf(counts: SeriesCounts, silentUs = 0): QualityReport {
  const { records, flags } = counts;
  const present = records - (flags.duplicate ?? 0);
  const missing = Math.max(0, counts.missing - counts.late);
  const coverage = present > 0 ? present / (present + missing) : 0;
  const reasons: QualityReason[] = [];
  let score = coverage;
  if (missing > 0) {
    const share = missing / (present + missing);
    reasons.push({ reason: 'coverage', records: missing, share, cost: share });
  }
  for (const [flag, count] of Object.entries(flags) as [FlagName, number][]) {
    if (count === 0) continue;
    const share = count / records;
    const cost = Math.min(1, (WEIGHTS.get(flag) ?? 0) * share);
    score *= 1 - cost;
    reasons.push({ reason: flag, records: count, share, cost });
  }
  reasons.sort((a, b) => b.cost - a.cost);
  return {
    ...counts,
    missing,
    coverage,
    score: records === 0 ? null : score,
    reasons,
    silentUs,
    stale: silentUs > 0,
  };
}
