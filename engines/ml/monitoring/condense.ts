// Comparisons as they are kept and replied: bounded, however many columns there are.
import type { ColumnDrift, DriftReport } from '../../../src/learning/drift/types.ts';
import type { Comparison } from './schemas.ts';

/** Columns of a report at most, and those of them with a plot. */
export const MOST_COLUMNS = 200;
export const MOST_PLOTS = 40;

/** A comparison with the columns that differ most. */
export interface Condensed extends Omit<DriftReport, 'columns'> {
  readonly columns: ColumnDrift[];
  readonly left_out: number;
}

/** Returns a report with its columns in order of drift and size, without those and the plots that are too many. */
export function condensed(report: DriftReport): Condensed {
  const sizeOf = ({ effect }: ColumnDrift) => (effect.value ?? -1) / effect.threshold;
  const sorted = [...report.columns].sort(
    (a, b) => Number(b.drifted) - Number(a.drifted) || sizeOf(b) - sizeOf(a),
  );
  const columns = sorted
    .slice(0, MOST_COLUMNS)
    .map((column, i) => (i < MOST_PLOTS ? column : { ...column, plot: [] }));
  return { ...report, columns, left_out: sorted.length - columns.length };
}

/** The same, as replies describe it: columns have more members than their schema names. */
export function asReply(report: Condensed): Comparison {
  return report as unknown as Comparison;
}
