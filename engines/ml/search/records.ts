// A search and its trials as they are stored.
import { z } from 'zod';
import type { FeatureGroup } from '../../../src/learning/search/feature-groups.ts';
import type { MetricName } from '../../../src/learning/search/metric.ts';
import type { PrunerChoice } from '../../../src/learning/search/pruners/index.ts';
import type { SamplerChoice } from '../../../src/learning/search/samplers/index.ts';
import type { Point, Reported, Space } from '../../../src/learning/search/types.ts';
import type { TargetSpec } from '../../../src/learning/tables/target.ts';
import type { Scheme } from '../../../src/learning/validation/schemes.ts';

export const SEARCH_KINDS = ['automl', 'hyperopt'] as const;
export type SearchKind = (typeof SEARCH_KINDS)[number];

export const SEARCH_STATES = ['waiting', 'running', 'completed', 'failed', 'cancelled'] as const;
export type SearchState = (typeof SEARCH_STATES)[number];

export const TRIAL_STATES = ['running', 'complete', 'pruned', 'failed', 'cancelled'] as const;
export type TrialState = (typeof TRIAL_STATES)[number];

/** Hardware that a search is wished on. */
export const HARDWARE = ['auto', 'cpu', 'metal_gpu', 'neural_engine'] as const;

/** Something that was asked for and plays no part, and why. */
export const unusedSchema = z.object({
  pointer: z.string().describe('where it is in the request'),
  reason: z.string(),
});
export type Unused = z.output<typeof unusedSchema>;

/** One family of a search, with the options that all its trials have. */
export interface Member {
  readonly family: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** All that decides what the trials of a search are: the same settings give the same trials. */
export interface Settings {
  readonly dataset_id: string;
  readonly target: TargetSpec;
  readonly task: 'regression' | 'classification';
  /** At least one; several are switched on and off. */
  readonly groups: readonly FeatureGroup[];
  /** Rows of a series that one input holds. */
  readonly steps: number;
  readonly missing: 'drop' | 'keep';
  /** At least one. */
  readonly members: readonly Member[];
  readonly space: Space;
  /** Points that are tried before those of the sampler. */
  readonly first: readonly Point[];
  readonly metric: MetricName;
  readonly scheme: Scheme;
  /** Share of the rows, the last ones, that no trial sees. */
  readonly test_fraction: number;
  readonly cost_bps: number;
  readonly sampler: SamplerChoice;
  readonly pruner: PrunerChoice;
  readonly max_trials: number;
  /** Trials at a time. */
  readonly parallel: number;
  /** Trial n is proposed from the trials up to n - lag. */
  readonly lag: number;
  readonly seed: number;
  readonly time_budget_s: number | null;
  readonly trial_timeout_s: number;
  /** Most trials of a stack; 0 for none. */
  readonly ensemble: number;
  readonly hardware: (typeof HARDWARE)[number];
  readonly unused: readonly Unused[];
}

/** Why something did not succeed: a problem type and words for people. */
export interface Reason {
  readonly type: string;
  readonly detail: string;
}

/** What came of a trial. */
export interface Outcome {
  readonly state: 'complete' | 'pruned' | 'failed';
  /** What the search makes small; the last report of a pruned trial, null of a failed one. */
  readonly loss: number | null;
  readonly scores: Readonly<Record<string, number | null>>;
  readonly reports: readonly Reported[];
  readonly seconds: number;
  /** Mean rounds that the watched rows asked for; null where nothing watched. */
  readonly rounds: number | null;
  readonly reason: Reason | null;
}

/** One search. */
export interface SearchRow {
  readonly search_id: string;
  readonly kind: SearchKind;
  readonly settings: Settings;
  readonly state: SearchState;
  readonly reason: Reason | null;
  readonly created_us: number;
  readonly started_us: number | null;
  readonly finished_us: number | null;
}

/** One trial; `outcome` is null while it runs, and of a cancelled one. */
export interface TrialRow {
  readonly number: number;
  readonly point: Point;
  readonly state: TrialState;
  readonly job_id: string | null;
  readonly started_us: number;
  readonly finished_us: number | null;
  readonly outcome: Outcome | null;
}

/** Returns the outcome of a trial that failed. */
export function failedOutcome(reason: Reason, seconds: number): Outcome {
  return { state: 'failed', loss: null, scores: {}, reports: [], seconds, rounds: null, reason };
}
