// How an experiment changes: its row, its shares and its audit together, and what is said of it.
import { topics } from '../../../src/bus/topics.ts';
import type { Unit } from '../../../src/bus/unit.ts';
import { observed } from './evaluate.ts';
import { type AuditRow, type Experiment, ofArm, type Result } from './records.ts';
import type { State } from './schemas.ts';
import { clearExperiment, updateExperiment, writeAudit, writeRamp } from './store.ts';

/** What changes; what is absent stays. */
export interface Transition {
  readonly action: string;
  readonly actor: AuditRow['actor'];
  readonly detail?: object;
  readonly state?: State;
  readonly reason?: string | null;
  readonly winner?: string;
  /** New shares. */
  readonly weights?: readonly number[];
  readonly result?: Result;
  readonly promoted_seq?: number;
  /** Nothing more will happen by itself. */
  readonly ends?: boolean;
}

/** Stores a change of an experiment and tells it. Returns the experiment as it is then. */
export async function change(
  unit: Unit,
  experiment: Experiment,
  transition: Transition,
  nowUs: number,
): Promise<Experiment> {
  const { action, actor, detail = {}, weights, result = experiment.result, ends } = transition;
  const { tx } = unit;
  const before = experiment.row;
  const id = before.experiment_id;
  const row = {
    ...before,
    state: transition.state ?? before.state,
    reason: transition.reason === undefined ? before.reason : transition.reason,
    winner: transition.winner ?? before.winner,
    promoted_seq: transition.promoted_seq ?? before.promoted_seq,
    result: JSON.stringify(result),
    stage: before.stage + (weights ? 1 : 0),
    updated_us: nowUs,
    ended_us: ends ? (before.ended_us ?? nowUs) : before.ended_us,
  };
  updateExperiment(tx, row);
  if (weights) writeRamp(tx, id, row.stage, weights, nowUs);
  if (before.state === 'running' && row.state !== 'running') clearExperiment(tx, id);
  const said = { ...detail, ...(transition.reason ? { reason: transition.reason } : {}) };
  await writeAudit(tx, id, action, actor, said, nowUs);
  const after = {
    ...experiment,
    row,
    result,
    ramps: weights ? [...experiment.ramps, weights] : experiment.ramps,
  };
  tell(unit, after, nowUs);
  return after;
}

/** Says how an experiment stands. */
export function tell(unit: Unit, experiment: Experiment, nowUs: number): void {
  const { row, definition, result, ramps, tallies } = experiment;
  const names = definition.arms.map(({ name }) => name);
  const byName = <V>(valueAt: (arm: number) => V) =>
    Object.fromEntries(names.map((name, arm) => [name, valueAt(arm)]));
  unit.publish(topics.experimentUpdates, {
    experiment_id: row.experiment_id,
    model_id: row.model_id,
    mode: row.mode,
    state: row.state,
    reason: row.reason,
    metric: definition.metric,
    weights: byName((arm) => ramps.at(-1)![arm]!),
    counts: byName((arm) => observed(definition, tallies[arm]!).n),
    p_values: Object.fromEntries(names.slice(1).map((name) => [name, ofArm(result.p, name) ?? 1])),
    winner: row.winner,
    timestamp: nowUs / 1e6,
  });
}
