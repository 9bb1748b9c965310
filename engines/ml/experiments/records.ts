// What is stored of an experiment, and what is counted of each arm.
import { type Moments, merged, NO_MOMENTS } from '../../../src/learning/experiments/moments.ts';
import type { ExperimentRequest, State } from './schemas.ts';
import type { Scored } from './scoring.ts';

/** An arm as it was when the experiment began. */
export interface Arm {
  readonly name: string;
  readonly model_id: string;
  readonly version: number;
  readonly precision: 'float32' | 'int8';
  /** What is asked for its answer. */
  readonly reference: string;
}

/** What was asked for, with every reference resolved. The first arm is the control. */
export interface Definition
  extends Pick<
    ExperimentRequest,
    | 'mode'
    | 'metric'
    | 'alpha'
    | 'min_samples'
    | 'max_duration_s'
    | 'outcome_window_s'
    | 'auto_promote'
    | 'watch_requests'
    | 'guardrails'
    | 'canary'
  > {
  readonly name: string | null;
  readonly arms: readonly Arm[];
  readonly scored: Scored;
}

/** What was found so far, beside the counts. */
export interface Result {
  /** Least p-value of each challenger. */
  readonly p: Readonly<Record<string, number>>;
  /** Least p-value of the shares. */
  readonly mismatch_p: number;
  /** Arms that get no keys any more. */
  readonly out: readonly string[];
  /** Predictions and shadow runs that were left out. */
  readonly lost: number;
}

export const NO_RESULT: Result = { p: {}, mismatch_p: 1, out: [], lost: 0 };

/** Returns what a record itself has by the name of an arm: one may be called as something that every object inherits. */
export function ofArm<V>(record: Readonly<Record<string, V>>, name: string): V | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** An experiment as it is stored; definition and result are JSON. */
export interface ExperimentRow {
  readonly experiment_id: string;
  readonly model_id: string;
  readonly mode: ExperimentRequest['mode'];
  readonly state: State;
  readonly reason: string | null;
  readonly definition: string;
  readonly result: string;
  readonly stage: number;
  readonly winner: string | null;
  readonly deployment_seq: number;
  readonly promoted_seq: number | null;
  readonly created_us: number;
  readonly updated_us: number;
  readonly ended_us: number | null;
}

/** An experiment with everything that decisions read. */
export interface Experiment {
  readonly row: ExperimentRow;
  readonly definition: Definition;
  readonly result: Result;
  /** Shares of each stage, oldest first. */
  readonly ramps: readonly (readonly number[])[];
  /** In the order of the arms. */
  readonly tallies: readonly Tally[];
  /** Of the promoted version since its automatic promotion. */
  readonly watch: Tally;
}

/** Name under which the tally of the promoted version is kept: no arm can have it. */
export const WATCH = '@watch';

/** Counts of one arm. */
export interface Tally {
  readonly requests: number;
  readonly errors: number;
  readonly latency: Moments;
  /** Of the metric. */
  readonly values: Moments;
  /** Requests and keys by stage. */
  readonly staged: readonly number[];
  readonly keys: readonly number[];
  /** Of a challenger whose rows the control answered too. */
  readonly rows: number;
  readonly agreed: number;
  readonly gained: number;
  readonly lost: number;
  readonly differences: Moments;
}

export const NO_TALLY: Tally = {
  requests: 0,
  errors: 0,
  latency: NO_MOMENTS,
  values: NO_MOMENTS,
  staged: [],
  keys: [],
  rows: 0,
  agreed: 0,
  gained: 0,
  lost: 0,
  differences: NO_MOMENTS,
};

/** Returns the counts of both. */
export function added(a: Tally, b: Tally): Tally {
  return {
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: merged(a.latency, b.latency),
    values: merged(a.values, b.values),
    staged: addedLists(a.staged, b.staged),
    keys: addedLists(a.keys, b.keys),
    rows: a.rows + b.rows,
    agreed: a.agreed + b.agreed,
    gained: a.gained + b.gained,
    lost: a.lost + b.lost,
    differences: merged(a.differences, b.differences),
  };
}

function addedLists(a: readonly number[], b: readonly number[]): number[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => (a[i] ?? 0) + (b[i] ?? 0));
}

/** Returns a list that is `count` at `stage` and 0 before. */
export function atStage(stage: number, count: number): number[] {
  return [...new Array<number>(stage).fill(0), count];
}

/** A prediction that waits for its outcome. */
export interface PredictionRow {
  readonly prediction_id: string;
  readonly subject: string;
  /** The arm that answered. */
  readonly arm: string;
  readonly stage: number;
  /** JSON: what each arm said, by name. */
  readonly said: string;
  readonly settled: number;
  readonly at_us: number;
}

export interface AuditRow {
  readonly seq: number;
  readonly action: string;
  readonly actor: 'person' | 'engine';
  readonly detail: string;
  readonly at_us: number;
}
