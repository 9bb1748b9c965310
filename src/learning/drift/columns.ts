// One column of two tables: its measures, its p-value, what there is to plot. No verdict: that needs the other columns.
import { edgesOf, type Shares, sharesIn } from './bins.ts';
import { categoryShares, unseenCategories } from './categories.ts';
import type { CategorySketch } from './category-sketch.ts';
import {
  chiSquare,
  jensenShannon,
  kolmogorovSmirnov,
  shareChange,
  stability,
  wasserstein,
} from './measures.ts';
import type { NumericSketch } from './numeric-sketch.ts';
import type { ColumnSketch } from './table-sketch.ts';
import type {
  ColumnDrift,
  ColumnKind,
  DriftMeasure,
  DriftOptions,
  PlotBin,
  SideSummary,
  TestResult,
} from './types.ts';

export type Settings = Required<Omit<DriftOptions, 'thresholds'>> & {
  readonly thresholds: Readonly<Record<DriftMeasure | 'missing', number>>;
};

/** A column before its verdict. */
export interface Judged
  extends Pick<
    ColumnDrift,
    'column' | 'kind' | 'reference' | 'current' | 'tests' | 'p' | 'effect' | 'power' | 'unseen' | 'plot'
  > {
  /** Of the distribution alone; null where it was not compared. */
  readonly pDistribution: number | null;
  /** Of the share of missing values; null where no row lacks one, or rows are few. */
  readonly pMissing: number | null;
  /** Why the distributions were not compared. */
  readonly without: 'too_few_rows' | 'all_missing' | 'not_comparable' | null;
  /** One value and the same on both sides, or one on each. */
  readonly constant: 'same' | 'changed' | null;
}

const NOTHING: SideSummary = {
  ...{ rows: 0, missing: 0, non_finite: 0, distinct: 0 },
  ...{ mean: null, std: null, min: null, max: null },
};
const NO_UNSEEN = { categories: [], rows: 0 };

/** The measure that decides for columns of a kind. */
export function measureOf(kind: ColumnKind, { measure }: Settings): DriftMeasure {
  if (kind === 'numeric') return measure === 'cramers_v' ? 'psi' : measure;
  return measure === 'ks' || measure === 'wasserstein' ? 'cramers_v' : measure;
}

/** Returns rows without a value: what is missing, and infinities. */
export const lacking = (side: SideSummary): number => side.missing + side.non_finite;

/** Puts together what both kinds share: p of distribution and missing share, by Bonferroni where there are both, and the reason of an absent one. */
function judged(
  base: Pick<Judged, 'column' | 'kind' | 'reference' | 'current' | 'unseen'>,
  settings: Settings,
  constant: Judged['constant'],
  compare: () => { tests: Judged['tests']; plot: readonly PlotBin[] },
): Judged {
  const { reference, current, kind } = base;
  const [n, m] = [reference.rows - lacking(reference), current.rows - lacking(current)];
  const enough = Math.min(n, m) >= settings.minRows;
  const { tests, plot } = enough ? compare() : { tests: {}, plot: [] };
  const main: TestResult | undefined = tests.ks ?? tests.chi2;
  const pDistribution = main?.p ?? null;
  const gaps = lacking(reference) + lacking(current) > 0;
  const counted = Math.min(reference.rows, current.rows) >= settings.minRows;
  const pMissing =
    gaps && counted ? shareChange(lacking(reference), reference.rows, lacking(current), current.rows) : null;
  const both = [pDistribution, pMissing].filter((p) => p !== null);
  const measure = measureOf(kind, settings);
  const decisive = measure === 'cramers_v' ? tests.chi2 : tests[measure];
  return {
    ...base,
    tests,
    plot,
    pDistribution,
    pMissing,
    p: both.length > 0 ? Math.min(1, both.length * Math.min(...both)) : null,
    effect: decisive?.effect ?? { name: measure, value: null, threshold: settings.thresholds[measure] },
    power: main?.power ?? null,
    without: enough ? null : Math.min(n, m) === 0 && counted ? 'all_missing' : 'too_few_rows',
    constant,
  };
}

/** Compares two numeric columns. */
export function numericColumn(
  column: string,
  one: NumericSketch,
  other: NumericSketch,
  settings: Settings,
): Judged {
  const constants = one.numbers > 0 && other.numbers > 0 && one.min === one.max && other.min === other.max;
  const constant = constants ? (one.min === other.min ? 'same' : 'changed') : null;
  const base = {
    ...{ column, kind: 'numeric' as const, unseen: NO_UNSEEN },
    ...{ reference: one.summary(), current: other.summary() },
  };
  return judged(base, settings, constant, () => {
    const [a, b] = [one.distribution(), other.distribution()];
    const edges = edgesOf(a, settings.bins);
    const shares = sharesIn(a, b, edges);
    const size = sizes(one.numbers, other.numbers, settings);
    return {
      tests: {
        psi: stability(shares, size('psi')),
        ks: kolmogorovSmirnov(a, b, size('ks')),
        js: jensenShannon(shares, size('js')),
        wasserstein: wasserstein(a, b, one.std, settings.thresholds.wasserstein),
      },
      plot: plotOf(shares, (bin) => {
        const [low, high] = [edges[bin - 1] ?? null, edges[bin] ?? null];
        const label = high === null ? (low === null ? 'all' : `> ${short(low)}`) : `<= ${short(high)}`;
        return { label, low, high };
      }),
    };
  });
}

/** Compares two categorical columns. */
export function categoryColumn(
  column: string,
  one: CategorySketch,
  other: CategorySketch,
  settings: Settings,
): Judged {
  const constants = one.distinct === 1 && other.distinct === 1;
  const [first] = one.counts.keys();
  const constant = constants ? (other.counts.has(first!) ? 'same' : 'changed') : null;
  const base = {
    ...{ column, kind: 'categorical' as const, unseen: unseenCategories(one, other) },
    ...{ reference: one.summary(), current: other.summary() },
  };
  return judged(base, settings, constant, () => {
    const shares = categoryShares(one, other);
    const size = sizes(one.values, other.values, settings);
    return {
      tests: {
        psi: stability(shares, size('psi')),
        js: jensenShannon(shares, size('js')),
        chi2: chiSquare(shares, size('cramers_v')),
      },
      plot: plotOf(shares, (bin) => ({ label: shares.names[bin]!, low: null, high: null })),
    };
  });
}

/** A column that one side lacks, or that is of another kind there. */
export function incomparable(
  column: string,
  one: ColumnSketch | undefined,
  other: ColumnSketch | undefined,
  settings: Settings,
): Judged {
  const kind = one?.kind ?? other!.kind;
  const measure = measureOf(kind, settings);
  return {
    ...{ column, kind, reference: one?.summary() ?? NOTHING, current: other?.summary() ?? NOTHING },
    ...{ tests: {}, plot: [], unseen: NO_UNSEEN, pDistribution: null, pMissing: null, p: null },
    effect: { name: measure, value: null, threshold: settings.thresholds[measure] },
    ...{ power: null, without: 'not_comparable', constant: null },
  };
}

const sizes = (n: number, m: number, { alpha, thresholds }: Settings) => {
  return (measure: DriftMeasure) => ({ n, m, alpha, threshold: thresholds[measure] });
};

const short = (value: number) => String(Number(value.toPrecision(6)));

function plotOf(shares: Shares, named: (bin: number) => Pick<PlotBin, 'label' | 'low' | 'high'>): PlotBin[] {
  return Array.from(shares.reference, (reference, bin) => ({
    ...named(bin),
    reference,
    current: shares.current[bin]!,
  }));
}
