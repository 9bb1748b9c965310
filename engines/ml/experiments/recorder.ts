// Stores what happened to an experiment and takes the decision that follows, in one unit of work.
import type { Unit, UnitRunner } from '../../../src/bus/unit.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { Transaction } from '../../../src/store/database.ts';
import { Counts, countOutcome, countServed, hashOf, type Served } from './count.ts';
import { type Decision, decide, decideWatch, findingsOf } from './evaluate.ts';
import { added, atStage, type Experiment, type PredictionRow, WATCH } from './records.ts';
import type { Taken } from './running.ts';
import type { OutcomesRequest, State } from './schemas.ts';
import { METRIC_FACTS } from './scoring.ts';
import {
  addKeys,
  experimentOf,
  forgetPredictions,
  predictionsBy,
  rowOf,
  settle,
  updateExperiment,
  writePrediction,
  writeTally,
} from './store.ts';
import { change, type Transition, tell } from './transitions.ts';

/** Keys of an experiment that are told apart, for the check of the shares. */
const MAX_KEYS = 100_000;
/** Predictions of an experiment that are kept for their outcomes. */
export const MAX_PREDICTIONS = 200_000;
/** Between two times that the counts of an experiment are told, in microseconds. */
const TELL_US = 1_000_000;

/** What was stored, and what has to be done outside of the unit. */
export interface Recorded {
  readonly experiment: Experiment;
  readonly move: 'promote' | 'rollback' | null;
}

/** What came of posted outcomes. */
export interface Settled {
  readonly counted: number;
  readonly repeated: number;
  readonly unknown: number;
  readonly ambiguous: number;
  readonly state: State;
}

/** Counts and decides. */
export class Recorder {
  readonly #units: UnitRunner;
  readonly #clock: Clock;
  /** When the counts of an experiment were told last, in microseconds. */
  readonly #toldUs = new Map<string, number>();

  constructor(parts: { readonly units: UnitRunner; readonly clock: Clock }) {
    this.#units = parts.units;
    this.#clock = parts.clock;
  }

  /** Stores served requests of an experiment. Resolves to null for one that has ended: then nothing is counted any more. */
  store(id: string, { served, lost, mayBeStored }: Taken): Promise<Recorded | null> {
    return this.#units.run(async (unit) => {
      const experiment = await this.#active(unit, id);
      if (!experiment) return null;
      const { definition, row } = experiment;
      const { tx } = unit;
      const isRunning = row.state === 'running';
      // What was answered before a decision and comes after it is not counted: the decision was made without it.
      const known = mayBeStored ? await storedOf(tx, id, served) : new Set();
      const own = served.filter(
        ({ runs, prediction }) => (runs[0]!.arm === WATCH) !== isRunning && !known.has(prediction?.id),
      );
      const hasOutcome = METRIC_FACTS[definition.metric].needs !== null;
      const fresh =
        hasOutcome || !isRunning
          ? new Set<number>()
          : await freshKeys(
              unit,
              experiment,
              own.map(({ key }) => key),
            );
      const counts = countServed(definition, own, fresh);
      for (const { prediction, key, stage, runs, atUs } of own) {
        if (!prediction || !isRunning) continue;
        const said = JSON.stringify(prediction.said);
        writePrediction(tx, id, {
          prediction_id: prediction.id,
          subject: key,
          arm: runs[0]!.arm,
          stage,
          said,
          settled: 0,
          at_us: atUs,
        });
      }
      const now = this.#clock.nowUs();
      if (isRunning && hasOutcome) forgetPredictions(tx, id, now - definition.outcome_window_s * 1e6);
      const result = { ...experiment.result, lost: experiment.result.lost + lost };
      return this.#counted(unit, { ...experiment, result }, counts, now);
    });
  }

  /** Settles predictions. Null for an experiment that there is not. Throws InvalidOptionError and ShapeMismatchError before anything is stored. */
  outcomes(
    id: string,
    { outcomes }: OutcomesRequest,
  ): Promise<(Settled & { recorded: Recorded | null }) | null> {
    return this.#units.run(async (unit) => {
      const { tx } = unit;
      const row = await rowOf(tx, id);
      if (!row) return null;
      const experiment = await experimentOf(tx, row);
      const { definition } = experiment;
      const waiting = await waitingOf(unit, id, outcomes);
      let [repeated, unknown, ambiguous] = [0, 0, 0];
      const found: { readonly row: PredictionRow; readonly at: number }[] = [];
      const taken = new Set<string>();
      for (const [at, { prediction_id, key }] of outcomes.entries()) {
        const rows = prediction_id === undefined ? waiting.ofKey(key!) : waiting.ofId(prediction_id);
        const open = rows.filter((one) => one.settled === 0 && !taken.has(one.prediction_id));
        if (rows.length === 0) unknown++;
        else if (open.length === 0) repeated++;
        else if (open.length > 1) ambiguous++;
        else {
          taken.add(open[0]!.prediction_id);
          found.push({ row: open[0]!, at });
        }
      }
      const counts = new Counts();
      // All of them before the first write: one that is refused refuses them all.
      for (const { row: one, at } of found)
        countOutcome(counts, definition, one, outcomes[at]!.outcome, `/outcomes/${at}/outcome`);
      const fresh = await freshKeys(
        unit,
        experiment,
        found.map(({ row: { subject } }) => subject),
      );
      for (const { row: one } of found)
        if (fresh.delete(hashOf(one.subject))) counts.add(one.arm, { keys: atStage(one.stage, 1) });
      await settle(
        tx,
        id,
        found.map(({ row: one }) => one.prediction_id),
      );
      const recorded =
        found.length === 0 ? null : await this.#counted(unit, experiment, counts, this.#clock.nowUs());
      const state = recorded?.experiment.row.state ?? row.state;
      return { counted: found.length, repeated, unknown, ambiguous, state, recorded };
    });
  }

  /** Keeps nothing of an experiment that has ended. */
  forget(id: string): void {
    this.#toldUs.delete(id);
  }

  async #active(unit: Unit, id: string): Promise<Experiment | null> {
    const row = await rowOf(unit.tx, id);
    if (!row || row.ended_us !== null || (row.state !== 'running' && row.state !== 'watching')) return null;
    return experimentOf(unit.tx, row);
  }

  async #counted(unit: Unit, before: Experiment, counts: Counts, nowUs: number): Promise<Recorded> {
    const { tx } = unit;
    const tallies = [...before.tallies];
    let { watch } = before;
    for (const [arm, more] of counts.entries()) {
      const at = before.definition.arms.findIndex(({ name }) => name === arm);
      const tally = added(at < 0 ? watch : tallies[at]!, more);
      if (at < 0) watch = tally;
      else tallies[at] = tally;
      writeTally(tx, before.row.experiment_id, arm, tally);
    }
    const counted = { ...before, tallies, watch };
    if (before.row.state === 'watching') return this.#watched(unit, counted, nowUs);
    const findings = findingsOf(counted);
    const experiment = { ...counted, result: findings.result };
    const ageS = (nowUs - before.row.created_us) / 1e6;
    const decision = decide(experiment, findings, ageS);
    if (decision.do !== 'nothing') {
      const after = await change(unit, experiment, transitionOf(experiment, decision), nowUs);
      const isWon = decision.do === 'win' && after.definition.auto_promote;
      return { experiment: after, move: isWon ? 'promote' : null };
    }
    const row = { ...before.row, result: JSON.stringify(findings.result), updated_us: nowUs };
    updateExperiment(tx, row);
    const after = { ...experiment, row };
    const { experiment_id } = row;
    if (nowUs - (this.#toldUs.get(experiment_id) ?? 0) >= TELL_US) {
      tell(unit, after, nowUs);
      this.#toldUs.set(experiment_id, nowUs);
    }
    return { experiment: after, move: null };
  }

  async #watched(unit: Unit, experiment: Experiment, nowUs: number): Promise<Recorded> {
    const decision = decideWatch(experiment);
    if (decision.do === 'back') return { experiment, move: 'rollback' };
    if (decision.do !== 'win') return { experiment, move: null };
    const { reason } = decision;
    const transition = { action: 'watched', actor: 'engine', state: 'promoted', reason, ends: true } as const;
    return { experiment: await change(unit, experiment, transition, nowUs), move: null };
  }
}

/** Returns what a decision changes. */
export function transitionOf(
  experiment: Experiment,
  decision: Exclude<Decision, { do: 'nothing' }>,
): Transition {
  const { definition, ramps, result } = experiment;
  const control = definition.arms[0]!.name;
  const actor = 'engine';
  const { reason } = decision;
  switch (decision.do) {
    case 'win': {
      const ends = !definition.auto_promote;
      return {
        action: 'decided',
        actor,
        state: 'decided',
        winner: decision.arm,
        reason,
        detail: { winner: decision.arm },
        ends,
        result,
      };
    }
    case 'back':
      return {
        action: 'rolled_back',
        actor,
        state: 'rolled_back',
        winner: control,
        reason,
        ends: true,
        result,
      };
    case 'give_up':
      return { action: 'gave_up', actor, state: 'inconclusive', reason, ends: true, result };
    case 'ramp':
      return {
        action: 'ramped',
        actor,
        weights: decision.weights,
        reason,
        detail: { weights: decision.weights },
        result,
      };
    case 'remove': {
      const out = [...result.out, ...decision.arms];
      const weights = ramps
        .at(-1)!
        .map((weight, arm) => (out.includes(definition.arms[arm]!.name) ? 0 : weight));
      // What they had goes to the control.
      const left = weights.slice(1).reduce((sum, weight) => sum + weight, 0);
      weights[0] = ramps.at(-1)!.reduce((sum, weight) => sum + weight, 0) - left;
      const removed = {
        action: 'removed',
        actor,
        reason,
        detail: { arms: decision.arms },
        result: { ...result, out },
      } as const;
      return definition.mode === 'ab' ? { ...removed, weights } : removed;
    }
  }
}

function roomForKeys({ definition, tallies }: Experiment): number {
  if (definition.mode === 'shadow') return 0;
  return MAX_KEYS - tallies.reduce((sum, { keys }) => sum + keys.reduce((total, n) => total + n, 0), 0);
}

async function freshKeys(unit: Unit, experiment: Experiment, keys: readonly string[]): Promise<Set<number>> {
  if (roomForKeys(experiment) <= 0) return new Set();
  return addKeys(unit.tx, experiment.row.experiment_id, keys.map(hashOf));
}

async function storedOf(
  tx: Transaction,
  id: string,
  served: readonly Served[],
): Promise<Set<string | undefined>> {
  const ids = served.flatMap(({ prediction }) => (prediction ? [prediction.id] : []));
  const rows = await predictionsBy(tx, id, 'prediction_id', ids);
  return new Set(rows.map(({ prediction_id }) => prediction_id));
}

async function waitingOf(unit: Unit, id: string, outcomes: OutcomesRequest['outcomes']) {
  const ids = outcomes.flatMap(({ prediction_id }) => (prediction_id === undefined ? [] : [prediction_id]));
  const keys = outcomes.flatMap(({ key }) => (key === undefined ? [] : [key]));
  const byId = new Map(
    (await predictionsBy(unit.tx, id, 'prediction_id', [...new Set(ids)])).map((row) => [
      row.prediction_id,
      row,
    ]),
  );
  const byKey = Map.groupBy(
    await predictionsBy(unit.tx, id, 'subject', [...new Set(keys)]),
    ({ subject }) => subject,
  );
  return {
    ofId: (asked: string): readonly PredictionRow[] => (byId.has(asked) ? [byId.get(asked)!] : []),
    ofKey: (asked: string): readonly PredictionRow[] => byKey.get(asked) ?? [],
  };
}
