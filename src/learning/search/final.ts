// The model at the end of a search: the best trial, or a stack of several, fitted on all rows that trials saw and tested once on those that none did.
import { InvalidOptionError } from '../../core/errors.ts';
import { CancelledError } from '../../native/errors.ts';
import type { FitControl, Fitted } from '../family.ts';
import { type CrossValidation, testOnce } from '../validation/cross-validate.ts';
import type { ValidationData } from '../validation/data.ts';
import { fitRows } from '../validation/held-out.ts';
import { WATCHED } from './base-options.ts';
import { checkedCandidate, type Evaluation, evaluate, type TrialCandidate } from './evaluate.ts';
import { stackOf } from './stack.ts';
import { stackGraph } from './stack-graph.ts';
import { columnsOf, type SearchTable, takeColumns } from './table.ts';

/** A trial that is fitted again. */
export interface FinalMember {
  readonly candidate: TrialCandidate;
  /** {@link Evaluation.rounds} of the trial. */
  readonly rounds: number | null;
  /** Above 0; 1 of a member alone. */
  readonly weight: number;
}

/** What a search ends with. */
export interface FinalModel {
  readonly fitted: Fitted;
  /** Columns of the table that the model reads, ascending. */
  readonly columns: Uint32Array;
  /** Their names. */
  readonly inputs: readonly string[];
  /** All rows with these columns: what {@link result} was tested on. */
  readonly data: ValidationData;
  /** The test on the rows that no trial saw. */
  readonly result: CrossValidation;
}

/** What runs the fits. */
export type FinalControl = FitControl;

const inPart = (control: FinalControl, done: number, of: number): FinalControl => {
  const { progress } = control;
  return progress
    ? { ...control, progress: (one) => progress({ ...one, fraction: (done + one.fraction) / of }) }
    : control;
};

/**
 * Returns which trials a stack is made of, those of weight above 0: the trials are run again (to the same bits), and their forecasts of rows that their
 * fits had not seen are weighed by {@link stackOf}. Throws what `evaluate` and `stackOf` throw.
 */
export async function stackMembers(
  candidates: readonly TrialCandidate[],
  table: SearchTable,
  control: FinalControl,
): Promise<{
  readonly members: readonly (FinalMember & { readonly place: number })[];
  readonly loss: number;
}> {
  const evaluations: Evaluation[] = [];
  const { progress: _, checkpoints: __, ...plain } = control;
  for (const [place, candidate] of candidates.entries()) {
    if (control.signal?.aborted) throw new CancelledError('The stack was cancelled');
    evaluations.push(await evaluate(candidate, table, plain));
    const fraction = (place + 1) / candidates.length;
    control.progress?.({ fraction, step: place + 1, loss: evaluations[place]!.loss });
  }
  const { target, costBps, metric } = table.input;
  const forecasts = evaluations.map((one) => one.forecasts);
  const { weights, loss } = stackOf(forecasts, table.data, metric, { target, costBps });
  const members = candidates.map((candidate, place) => ({
    candidate,
    place,
    rounds: evaluations[place]!.rounds,
    weight: weights[place]!,
  }));
  return { members: members.filter(({ weight }) => weight > 0), loss };
}

/**
 * Fits the members on all rows that trials saw and tests their weighted mean once on the rows that none did, as one served graph. Boosting runs as many
 * rounds as its trial found best, on all of the rows; networks stop early by their latest rows, as in the trial. Throws InvalidOptionError without members, and what
 * the families and `testOnce` throw.
 */
export async function fitFinal(
  members: readonly FinalMember[],
  table: SearchTable,
  control: FinalControl,
): Promise<FinalModel> {
  if (members.length === 0) throw new InvalidOptionError('Expected at least one member of a model');
  const own = members.map(({ candidate }) => columnsOf(table, candidate.groups));
  const columns = Uint32Array.from(new Set(own.flatMap((some) => [...some]))).sort();
  const fits: Fitted[] = [];
  for (const [place, member] of members.entries()) {
    const part = inPart(control, place, members.length);
    fits.push(await fitMember(member, takeColumns(table.data, own[place]!), table, part));
  }
  const graphs = fits.map(({ model }, place) => ({
    model,
    columns: own[place]!.map((column) => columns.indexOf(column)),
    weight: members[place]!.weight,
  }));
  const model = stackGraph(graphs, columns.length, table.task);
  const importance = importanceOf(fits, graphs, columns.length);
  const alone = members.length === 1;
  const fitted: Fitted = {
    model,
    history: fits.flatMap(({ history }) => history),
    facts: alone ? fits[0]!.facts : { members: members.length },
    ...(importance && { importance }),
  };
  const data = takeColumns(table.set.data, columns);
  const about = { task: table.task, model, facts: fitted.facts };
  const result = await testOnce(about, data, table.outer, control.threads);
  const inputs = Array.from(columns, (column) => table.set.inputs[column]!);
  return { fitted, columns, inputs, data, result };
}

async function fitMember(
  { candidate, rounds }: FinalMember,
  data: ValidationData,
  table: SearchTable,
  control: FinalControl,
): Promise<Fitted> {
  const { family, options } = checkedCandidate(candidate, table);
  const all = Uint32Array.from({ length: data.rows }, (_, row) => row);
  const about = { family, task: table.task };
  const watched = WATCHED[family.name];
  if (watched?.steps === 'rounds' && rounds !== null) {
    const fixed = { ...options, rounds: Math.max(1, Math.round(rounds)), patience: 0 };
    return fitRows({ ...about, options: fixed }, data, all, control);
  }
  const watches = watched && options.patience !== 0;
  const { watchFraction } = table.input;
  return fitRows({ ...about, options, ...(watches && { watchFraction }) }, data, all, control);
}

/** Returns the weighted mean of the members' importances over the columns of the stack; undefined where one does not know its own. */
function importanceOf(
  fits: readonly Fitted[],
  graphs: readonly { readonly columns: Uint32Array; readonly weight: number }[],
  columns: number,
): Float32Array | undefined {
  if (fits.some(({ importance }) => !importance)) return undefined;
  const total = new Float32Array(columns);
  for (const [place, { importance }] of fits.entries()) {
    const { columns: own, weight } = graphs[place]!;
    importance!.forEach((share, i) => {
      total[own[i]!]! += weight * share;
    });
  }
  return total;
}
