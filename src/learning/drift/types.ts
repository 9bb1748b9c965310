// What drift is made of: columns, sketches of tables, the report of a comparison, detectors on streams, the quality of a table.

export type ColumnKind = 'numeric' | 'categorical';

export interface ColumnSpec {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A value of a categorical column; null, undefined, the empty text and NaN are "missing". */
export type Category = string | number | boolean | null | undefined;

/** The values of one column, a row each. Numeric columns take numbers (NaN and null are "missing"), categorical ones anything. */
export type ColumnValues = Float64Array | Float32Array | readonly Category[];

/** Some rows: every column of the sketch by its name, all of one length. */
export type Chunk = ReadonlyMap<string, ColumnValues>;

export interface SketchOptions {
  /** Points that the distribution of a numeric column is kept in: 16 to 65,536. Default 1024. */
  readonly points?: number;
  /** Categories that are counted exactly: 2 to 100,000. Default 1000. */
  readonly categories?: number;
}

/** What compares two distributions of one column. */
export type DriftTest = 'psi' | 'ks' | 'js' | 'wasserstein' | 'chi2';
/** What decides whether a column drifted. For columns of the other kind `ks` and `wasserstein` are read as `cramers_v`, and it as `psi`. */
export type DriftMeasure = 'psi' | 'ks' | 'js' | 'wasserstein' | 'cramers_v';

export interface DriftOptions {
  /** Share of false discoveries that is accepted among the columns called significant. Default 0.05. */
  readonly alpha?: number;
  /** The measure whose size decides. Default `psi`. */
  readonly measure?: DriftMeasure;
  /** From which size a measure calls it drift; what is not given has the defaults of {@link DRIFT_THRESHOLDS}. */
  readonly thresholds?: Partial<Readonly<Record<DriftMeasure | 'missing', number>>>;
  /** Bins of PSI and Jensen-Shannon, cut at quantiles of the reference: 2 to 100. Default 10. */
  readonly bins?: number;
  /** Rows with a value that either side needs for a verdict: at least 2. Default 30. */
  readonly minRows?: number;
  /** How p-values are adjusted for the number of columns. Default `bh` (Benjamini-Hochberg). */
  readonly correction?: 'bh' | 'none';
}

/** Sizes from which the measures call it drift; `missing` is a change of the missing share. */
export const DRIFT_THRESHOLDS: Readonly<Record<DriftMeasure | 'missing', number>> = {
  psi: 0.25,
  ks: 0.1,
  js: 0.1,
  wasserstein: 0.1,
  cramers_v: 0.1,
  missing: 0.1,
};

/** One comparison of two distributions. */
export interface TestResult {
  /** The statistic; for PSI, Jensen-Shannon and Wasserstein also the size of the effect. Null where it is undefined. */
  readonly statistic: number | null;
  /** Probability of at least that statistic without drift, never too small; null where the measure has none. */
  readonly p: number | null;
  readonly effect: Effect;
  /** Probability that these numbers of rows tell a drift of the threshold's size at `alpha`; null where unknown. */
  readonly power: number | null;
  /** Degrees of freedom, where the test has them. */
  readonly df?: number;
}

/** How large a difference is, whatever the number of rows. */
export interface Effect {
  readonly name: string;
  readonly value: number | null;
  /** From which value it counts as drift. */
  readonly threshold: number;
}

/** Why a column has the verdict that it has. */
export type DriftReason =
  /** The measure is at or above its threshold, and more than chance makes. */
  | 'distribution'
  /** The share of missing values changed by the threshold or more. */
  | 'missing_share'
  /** All current values are one that the reference, constant too, does not have. */
  | 'constant_changed'
  /** A difference that is significant, but smaller than the threshold. */
  | 'small_effect'
  /** No difference that chance does not make. */
  | 'not_significant'
  /** Fewer than `min_rows` rows with a value on either side: no verdict. */
  | 'too_few_rows'
  /** One side has no value at all: no verdict beyond the missing share. */
  | 'all_missing'
  /** Both sides hold the same single value. */
  | 'constant'
  /** The column is not in both tables, or not of one kind. */
  | 'not_comparable';

/** One bar of the plot of a column: shares of the rows with a value. */
export interface PlotBin {
  /** A category, or the upper edge in words; bins hold their upper edge. */
  readonly label: string;
  /** Null for categories and for the open ends. */
  readonly low: number | null;
  readonly high: number | null;
  readonly reference: number;
  readonly current: number;
}

/** What is known of the values of one column on one side. */
export interface SideSummary {
  readonly rows: number;
  readonly missing: number;
  /** Infinities, which no distribution holds. */
  readonly non_finite: number;
  /** Of numeric columns with a value. */
  readonly mean: number | null;
  readonly std: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Different values: exact while few, estimated otherwise. */
  readonly distinct: number;
}

export interface ColumnDrift {
  readonly column: string;
  readonly kind: ColumnKind;
  readonly reference: SideSummary;
  readonly current: SideSummary;
  readonly tests: Partial<Readonly<Record<DriftTest, TestResult>>>;
  /** Of KS (numeric) or chi-square (categorical), together with the test of the missing share; null without a verdict. */
  readonly p: number | null;
  /** `p` adjusted for the number of columns. */
  readonly p_adjusted: number | null;
  readonly significant: boolean;
  readonly effect: Effect;
  readonly power: number | null;
  /** By size: below 0.4 of the threshold `none` (PSI: below 0.1), below the threshold `moderate`. */
  readonly level: 'none' | 'moderate' | 'major';
  readonly drifted: boolean;
  readonly reason: DriftReason;
  /** The reason in a sentence, for reports. */
  readonly text: string;
  /** Up to 20 categories of the current rows that the reference does not have, the commonest first, and how many rows all of them have. */
  readonly unseen: { readonly categories: readonly string[]; readonly rows: number };
  readonly plot: readonly PlotBin[];
}

export interface DriftReport {
  readonly rows: { readonly reference: number; readonly current: number };
  readonly alpha: number;
  readonly measure: DriftMeasure;
  readonly correction: 'bh' | 'none';
  readonly min_rows: number;
  readonly columns: readonly ColumnDrift[];
  /** Columns that drifted, and their share of those with a verdict (null without any). */
  readonly drifted: number;
  readonly drifted_share: number | null;
  readonly judged: number;
  /** The largest PSI of the columns with a verdict. */
  readonly psi_max: number | null;
}

/** What a detector says of one value. */
export interface StreamVerdict {
  readonly drift: boolean;
  /** A change that is not certain yet; detectors without that word never say it. */
  readonly warning: boolean;
}

/** Finds a change in a stream of numbers. Its state is plain JSON: a detector made of it goes on with the same verdicts. */
export interface StreamDetector {
  /** Takes one value. Throws `NonFiniteInputError` for NaN and infinity, which change nothing. */
  update(value: number): StreamVerdict;
  toJSON(): unknown;
}

/** What a check of quality found. */
export type QualityFlag =
  | 'missing'
  | 'all_missing'
  | 'constant'
  | 'non_finite'
  | 'outliers'
  | 'out_of_range'
  | 'new_categories'
  | 'duplicate_rows'
  | 'time_not_rising'
  | 'time_gaps'
  | 'clock_jump'
  | 'clock_drift'
  | 'empty';

export interface QualityFinding {
  readonly flag: QualityFlag;
  /** Null where it is about rows or time. */
  readonly column: string | null;
  /** Rows (or pairs of rows) that it is about. */
  readonly count: number;
  /** Of the rows that were looked at: 0 to 1. */
  readonly share: number;
  /** Whether it is past its threshold. */
  readonly failed: boolean;
  readonly reason: string;
}

export interface QualityReport {
  readonly rows: number;
  readonly columns: number;
  readonly findings: readonly QualityFinding[];
  /** Whether nothing failed. */
  readonly passed: boolean;
}
