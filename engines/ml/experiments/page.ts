// Experiments as replies show them.
import type { Comparison } from '../../../src/learning/experiments/sequential.ts';
import { findingsOf, MISMATCH_P, observed } from './evaluate.ts';
import {
  type AuditRow,
  type Definition,
  type Experiment,
  type ExperimentRow,
  ofArm,
  type Tally,
} from './records.ts';
import type { ExperimentPage } from './schemas.ts';
import { METRIC_FACTS } from './scoring.ts';

/** Returns everything that is known of an experiment; `waiting` are its predictions without outcome. */
export function pageOf(experiment: Experiment, waiting: number): ExperimentPage {
  const { row, definition, ramps, tallies, watch } = experiment;
  const { standings, mismatch, result } = findingsOf(experiment);
  const { name, mode, metric, alpha, min_samples, canary } = definition;
  const isWatched = row.state === 'watching' || watch.requests > 0;
  return {
    experiment_id: row.experiment_id,
    name,
    model_id: row.model_id,
    mode,
    state: row.state,
    reason: row.reason,
    metric,
    better: METRIC_FACTS[metric].better,
    alpha,
    min_samples,
    arms: definition.arms.map((arm, i) => ({
      name: arm.name,
      model_id: arm.model_id,
      version: `${arm.version}`,
      precision: arm.precision,
      is_control: i === 0,
      weight: ramps.at(-1)![i]!,
      is_out: result.out.includes(arm.name),
      ...countsOf(definition, tallies[i]!),
    })),
    comparisons: standings.map((standing) => ({
      arm: standing.arm,
      metric: changeOf(standing.metric),
      // After its end an experiment keeps what it was decided by.
      p_value: row.state === 'running' ? standing.p : (ofArm(experiment.result.p, standing.arm) ?? 1),
      verdict: standing.verdict,
      latency_ms: changeOf(standing.latency),
      error_rate: changeOf(standing.errors),
      agreement: standing.agreement,
    })),
    mismatch: mismatch && {
      keys: mismatch.keys,
      chi_square: mismatch.chiSquare,
      chi_square_p: mismatch.chiSquareP,
      p_value: result.mismatch_p,
      is_flagged: result.mismatch_p < MISMATCH_P,
    },
    winner: row.winner,
    waiting,
    lost: result.lost,
    stage: row.stage,
    options: {
      max_duration_s: definition.max_duration_s,
      outcome_window_s: definition.outcome_window_s,
      auto_promote: definition.auto_promote,
      watch_requests: definition.watch_requests,
      guardrails: definition.guardrails,
      canary: mode === 'canary' ? canary : null,
    },
    watch: isWatched ? { requests: watch.requests, errors: watch.errors, latency_ms: meanOf(watch) } : null,
    promoted_seq: row.promoted_seq,
    created_us: row.created_us,
    updated_us: row.updated_us,
    ended_us: row.ended_us,
  };
}

/** Returns one line of a list. */
export function lineOf({
  experiment_id,
  model_id,
  mode,
  state,
  reason,
  definition,
  winner,
  ...row
}: ExperimentRow) {
  const { name, metric }: Definition = JSON.parse(definition);
  const { created_us, ended_us } = row;
  return { experiment_id, name, model_id, mode, state, reason, metric, winner, created_us, ended_us };
}

export function auditOf({ detail, ...row }: AuditRow) {
  return { ...row, detail: JSON.parse(detail) as Record<string, unknown> };
}

function countsOf(definition: Definition, tally: Tally) {
  const { n, mean } = observed(definition, tally);
  const { requests, errors, keys } = tally;
  return {
    requests,
    errors,
    latency_ms: meanOf(tally),
    observations: n,
    value: mean,
    keys: keys.reduce((sum, one) => sum + one, 0),
  };
}

const meanOf = ({ latency }: Tally) => (latency.n === 0 ? null : latency.mean);

function changeOf(found: Comparison | null) {
  return found && { effect: found.effect, low: found.low, high: found.high };
}
