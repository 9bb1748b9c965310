// What the engine and a process that runs trials say to each other.
import { z } from 'zod';
import { objectOf } from '../../../src/core/child-process.ts';
import type { DeflatedSharpe } from '../../../src/learning/search/deflated-sharpe.ts';
import type { Observation } from '../../../src/learning/search/types.ts';
import type { FeatureSpec } from '../../../src/learning/tables/features.ts';
import type { Trained } from '../training/train.ts';
import type { Outcome, Settings, TrialRow } from './records.ts';

/** Said once, first: which search the process is for. */
export interface Open {
  readonly type: 'open';
  /** Folder of the engine's data, in which the table is. */
  readonly dataDir: string;
  readonly threads: number;
  readonly settings: Settings;
}

/** One trial to run. */
export interface RunTrial {
  readonly type: 'trial';
  readonly number: number;
  readonly point: TrialRow['point'];
  /** Trials that the pruner knows and this process has not been told of yet. */
  readonly history: readonly Observation[];
}

/** The model at a search's end: fitted on all rows that trials saw, tested on those that none did. */
export interface Finish {
  readonly type: 'finish';
  readonly choice: Choice;
  /** All of this process of the engine: nothing else of the search runs then. */
  readonly threads: number;
  /** Sharpe ratios of all complete trials, where that is what the search made best. */
  readonly sharpes: readonly number[] | null;
}

/** A trial, or the stack of several, the best first. */
export type Choice =
  | { readonly kind: 'trial'; readonly trial: TrialRow }
  | { readonly kind: 'stack'; readonly trials: readonly TrialRow[] };

/** What came of it. */
export interface Finished extends Trained {
  /** The training that would have the same rows and columns. */
  readonly features: readonly FeatureSpec[];
  readonly test_fraction: number;
  /** Of the best trial by its Sharpe ratio. */
  readonly deflated_sharpe: Deflated | null;
  /** Weight of each trial; 1 of one alone. */
  readonly weights: readonly { readonly trial: number; readonly weight: number }[];
}

/** What is left of the best Sharpe ratio when the number of trials is counted. */
export interface Deflated extends DeflatedSharpe {
  readonly trials: number;
}

export type Order = Open | RunTrial | Finish;

/** What the process answers to a trial, and to the search's end. */
export const saidSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('outcome'), outcome: objectOf<Outcome>() }),
  z.object({ type: z.literal('finished'), finished: objectOf<Finished>() }),
]);
export type Said = z.infer<typeof saidSchema>;
